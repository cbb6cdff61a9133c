"""The kinds of text that requests may hold; what PostgreSQL cannot store is malformed."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _printable(text: str) -> str:
    if not all(character.isprintable() or character in "\n\t" for character in text):
        message = "contains characters that cannot be shown"
        raise ValueError(message)
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        message = "contains characters that cannot be shown on one line"
        raise ValueError(message)
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_one_line)]
Raw = Annotated[str, StringConstraints(max_length=320), AfterValidator(_one_line)]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_printable)
]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=200), AfterValidator(_one_line)]
Digits4 = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
