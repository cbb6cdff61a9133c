"""Does a text look as if it names a work or a person's number? Free text is the classic leak of what someone borrowed (H95)."""

import re

from stdnum import isbn

from glem.logs import CPR

NUMBER = re.compile(r"(?<![\d-])\d[\d -]{6,20}[\dXx](?![\d-])")
RECORD = re.compile(r"\b\d{6}-[a-z]+:\d+", re.IGNORECASE)
QUOTED = re.compile(r"[»«“”\"„][^»«“”\"„]{2,}[»«“”\"„]")
NAMED = re.compile(
    r"\b(?:mangler|bogen|bog|filmen|spillet|titlen|titel|lånte|lånt|reserveret|afleveret|borrowed|book|missing|title)\b[ :]+"
    r"(?:[A-ZÆØÅ][\w'-]+ +[\w'-]+|[A-ZÆØÅ][\w'-]{3,}\b)"
)
FAUST_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)


def names_a_work(text: str) -> bool:
    """Say whether `text` holds an ISBN, a FAUST number, a record id, a quotation, or a title after a tell-tale word."""
    digits = ("".join(c for c in found if c not in " -") for found in NUMBER.findall(text))
    return (
        RECORD.search(text) is not None
        or QUOTED.search(text) is not None
        or NAMED.search(text) is not None
        or any(isbn.is_valid(number) or is_faust(number) for number in digits)
    )


def is_faust(number: str) -> bool:
    """Say whether `number` is a FAUST number: eight digits, the last of which checks the others by modulus 11."""
    if len(number) != 8 or not number.isdigit():
        return False
    total = sum(weight * int(digit) for weight, digit in zip(FAUST_WEIGHTS, number[:7], strict=True))
    return (total + int(number[7])) % 11 == 0


def names_a_person(text: str) -> bool:
    """Say whether `text` holds something that looks like a CPR number."""
    return CPR.search(text) is not None
