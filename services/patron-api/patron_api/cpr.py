"""The CPR number as a value that never prints itself (H86)."""

from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn

from stdnum.dk import cpr as standard
from stdnum.exceptions import ValidationError

from glem.problems import ProblemType, Refusal

MALFORMED_CPR = ProblemType(
    "malformed-cpr",
    422,
    "CPR-nummeret er ikke et gyldigt nummer på ti cifre.",
    "The CPR number is not a valid number of ten digits.",
)
REPLACEMENT_DAYS = 60
ASCII_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Cpr:
    """A CPR number or replacement number (day 61-91). `reveal` is the only way to its digits; str and repr hide them."""

    _digits: str = field(repr=False)
    birth_date: date = field(repr=False)

    @classmethod
    def parse(cls, text: str, today: date) -> "Cpr | Refusal":
        """Read ten digits, with or without a dash; refuses (malformed-cpr) what names no day, or a day after `today`.

        A number that fails modulus 11 is valid: since 2007 the register gives such numbers out.
        """
        digits = text.strip()
        if len(digits) == 11 and digits[6] == "-":
            digits = digits[:6] + digits[7:]
        if len(digits) != 10 or not ASCII_DIGITS.issuperset(digits):
            return MALFORMED_CPR()
        day = int(digits[:2])
        dated = f"{day - REPLACEMENT_DAYS:02}{digits[2:]}" if day > REPLACEMENT_DAYS else digits
        try:
            birth_date: date = standard.get_birth_date(dated)
        except ValidationError:
            return MALFORMED_CPR()
        return MALFORMED_CPR() if birth_date > today else cls(digits, birth_date)

    @classmethod
    def stored(cls, digits: str, birth_date: date) -> "Cpr":
        """Return the number of a row, which was checked when it was written."""
        return cls(digits, birth_date)

    def reveal(self) -> str:
        """Return the ten digits; for the database and for the answer to someone who may see them."""
        return self._digits

    @property
    def passes_modulus_11(self) -> bool:
        """Say whether the check digit of before 2007 fits; a number may be valid without."""
        return bool(standard.checksum(self._digits) == 0)

    @property
    def is_replacement(self) -> bool:
        """Say whether this is a replacement number (erstatningspersonnummer)."""
        return int(self._digits[:2]) > REPLACEMENT_DAYS

    def __str__(self) -> str:
        return "Cpr(hidden)"

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return str(self)

    def __reduce__(self) -> NoReturn:
        message = "A CPR number is not pickled."
        raise TypeError(message)
