"""What an answer warns of although the request was carried out; each has a stable code and a sentence for the person."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Caution:
    """A named warning in both languages."""

    code: str
    danish: str
    english: str


class Warned(BaseModel):
    """A warning in an answer."""

    code: str
    detail: str


def told(cautions: Iterable[Caution], language: str) -> list[Warned]:
    """Shape `cautions` for an answer in `language` ("da" or "en")."""
    return [Warned(code=c.code, detail=c.english if language == "en" else c.danish) for c in cautions]
