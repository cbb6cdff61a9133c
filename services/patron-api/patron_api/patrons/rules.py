"""What a patron may be registered with, who may change what, and what protection hides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from glem.problems import ProblemType, Refusal
from patron_api.agency import PatronRules
from patron_api.cautions import Caution
from patron_api.cpr import Cpr

ALREADY_REGISTERED = ProblemType(
    "already-registered",
    409,
    "Personen er allerede registreret som låner her.",
    "The person is already registered as a patron here.",
)
UNKNOWN_GROUP = ProblemType(
    "unknown-patron-group",
    422,
    "Biblioteket har ikke den lånergruppe.",
    "The library has no such patron group.",
)
UNKNOWN_BRANCH = ProblemType(
    "unknown-branch", 422, "Biblioteket har ikke den filial.", "The library has no such branch."
)
LANGUAGE_NOT_OFFERED = ProblemType(
    "language-not-offered",
    422,
    "Biblioteket sender ikke beskeder på det sprog.",
    "The library does not send messages in that language.",
)
MALFORMED_PIN = ProblemType(
    "malformed-pin",
    422,
    "PIN-koden skal være cifre og have en længde, som biblioteket tillader ({lengths}).",
    "The PIN must be digits, of a length that the library allows ({lengths}).",
)
WRONG_PIN = ProblemType("wrong-pin", 403, "Den nuværende PIN-kode passer ikke.", "The present PIN does not fit.")
FIELD_NOT_YOURS = ProblemType(
    "field-not-yours",
    403,
    "Disse oplysninger ændres ikke her eller ikke af dig: {fields}.",
    "These fields are not changed here, or not by you: {fields}.",
)
FETCH_ONLY = ProblemType(
    "address-fetched-only",
    409,
    "Biblioteket henter adressen fra CPR, men opdaterer den ikke automatisk.",
    "The library fetches the address from the CPR register and does not update it automatically.",
)
CPR_MODULUS_11 = Caution(
    "cpr-modulus-11",
    "CPR-nummeret opfylder ikke modulus 11-kontrollen. Det kan være rigtigt alligevel; se efter en ekstra gang.",
    "The CPR number fails the modulus 11 check. It may be right all the same; look once more.",
)

AGE_OF_MAJORITY = 18
Party = Literal["patron", "staff"]
CHANGED_BY: dict[str, frozenset[Party]] = {
    "home_branch": frozenset({"patron"}),
    "language": frozenset({"patron", "staff"}),
    "patron_group": frozenset({"staff"}),
    "municipality": frozenset({"staff"}),
    "co_address": frozenset({"staff"}),
    "name": frozenset(),
    "cpr": frozenset(),
    "birth_date": frozenset(),
    "address": frozenset(),
    "protected": frozenset(),
    "patron_id": frozenset(),
}
CPR_FIELDS = frozenset({"name", "address", "municipality", "cpr"})
HIDDEN_BY_PROTECTION = ("name", "address", "co_address")


def may_change(fields: Collection[str], party: Party) -> Refusal | None:
    """Refuse the fields that `party` may not change by a PATCH (R4-R8, R16-R19); those of the CPR register nobody may."""
    foreign = sorted(name for name in fields if party not in CHANGED_BY.get(name, frozenset()))
    return FIELD_NOT_YOURS(fields=", ".join(foreign)) if foreign else None


def fits_agency(
    rules: PatronRules,
    branches: Mapping[str, str],
    *,
    group: str | None = None,
    branch: str | None = None,
    language: str | None = None,
) -> Refusal | None:
    """Refuse a patron group, branch or language that the agency does not have (R16, R17, R19)."""
    if group is not None and group not in rules.groups:
        return UNKNOWN_GROUP()
    if branch is not None and branch not in branches:
        return UNKNOWN_BRANCH()
    if language is not None and language not in rules.languages:
        return LANGUAGE_NOT_OFFERED(languages=rules.languages)
    return None


def pin_shape(pin: str, rules: PatronRules) -> Refusal | None:
    """Refuse a PIN that is not digits of a length that the agency allows (R21)."""
    if pin.isascii() and pin.isdigit() and len(pin) in rules.pin_lengths:
        return None
    return MALFORMED_PIN(lengths=", ".join(map(str, rules.pin_lengths)))


def birthday(born: date, age: int) -> date:
    """Return the day on which someone becomes `age`; born on a leap day, 28 February in other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return born.replace(year=born.year + age, day=28)


def has_reached(born: date, age: int, today: date) -> bool:
    """Say whether someone is `age` or older on the Danish day `today`."""
    return birthday(born, age) <= today


def age_band(born: date, bands: Sequence[int], today: date) -> int:
    """Return the highest of the agency's ages that is reached, 0 below all; all that lending learns of an age (R7)."""
    return max((age for age in bands if has_reached(born, age, today)), default=0)


def latest_birth(age: int, today: date) -> date:
    """Return the last day of birth of those who have reached `age` on `today`; the inverse of `has_reached`."""
    year = today.year - age
    if (today.month, today.day) == (2, 28) and _is_leap(year) and not _is_leap(today.year):
        return date(year, 2, 29)
    if (today.month, today.day) == (2, 29) and not _is_leap(year):
        return date(year, 2, 28)
    return today.replace(year=year)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def cpr_cautions(cpr: Cpr) -> list[Caution]:
    """Warn of a number that fails modulus 11, which is valid since 2007."""
    return [] if cpr.passes_modulus_11 else [CPR_MODULUS_11]


def may_follow_register(fields: Collection[str], rules: PatronRules, *, automatic: bool) -> Refusal | None:
    """Refuse what the CPR register's own feed may not change.

    R4, DIFF: an agency that promises fetch only has the data fetched when staff asks for it, never by the feed. Name and
    address protection follows the register everywhere, for that is law (R25).
    """
    if automatic and not rules.cpr_auto_update and not CPR_FIELDS.isdisjoint(fields):
        return FETCH_ONLY()
    return None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at a patron: what an answer may show follows from it."""

    own: bool
    protected: bool
    notes: bool
    numbers: bool
    guardian: bool


def visible(whole: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Return what `reader` may see of a patron.

    The internal note is for staff's screens only (R22); the CPR number for the patron and for staff who register (R4); the
    guardian for such staff and for the guardian (R28); a protected name and
    address for the patron and for specially authorised staff (R25).
    """
    hidden: set[str] = set()
    if not reader.notes:
        hidden.add("internal_note")
    if not reader.numbers:
        hidden.add("cpr")
    if not reader.guardian:
        hidden.add("guardian")
    if whole["protected"] and not (reader.own or reader.protected):
        hidden.update(HIDDEN_BY_PROTECTION)
    return {name: None if name in hidden else value for name, value in whole.items()}
