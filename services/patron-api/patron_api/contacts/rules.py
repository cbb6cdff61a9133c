"""How phones and e-mail addresses are read, and which of them receives messages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import phonenumbers

from glem.problems import ProblemType, Refusal

MALFORMED_PHONE = ProblemType(
    "malformed-phone", 422, "Telefonnummeret er ikke et gyldigt nummer.", "The phone number is not a valid number."
)
MALFORMED_EMAIL = ProblemType(
    "malformed-email", 422, "E-mailadressen er ikke en gyldig adresse.", "The e-mail address is not a valid address."
)
ONE_RECEIVER = ProblemType(
    "one-receiver",
    422,
    "Netop ét mobilnummer og netop én e-mailadresse skal modtage beskeder.",
    "Exactly one mobile number and exactly one e-mail address must receive messages.",
)
LANDLINE_BY_STAFF = ProblemType(
    "landline-by-staff",
    403,
    "Et fastnetnummer ændres af personalet.",
    "A landline number is changed by the staff.",
)
EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
COUNTRY = "DK"


@dataclass(frozen=True, slots=True)
class Reach:
    """A way to reach a patron: `channel` is phone or email, `kind` mobile, landline or email."""

    channel: str
    kind: str
    value: str
    receives: bool


def read_phone(text: str, kind: str, *, receives: bool) -> Reach | Refusal:
    """Read a phone number, Danish unless it names a country, as E.164; refuses malformed-phone."""
    try:
        number = phonenumbers.parse(text, COUNTRY)
    except phonenumbers.NumberParseException:
        return MALFORMED_PHONE()
    if not phonenumbers.is_valid_number(number) or number.extension:
        return MALFORMED_PHONE()
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Reach("phone", kind, value, receives)


def read_email(text: str, *, receives: bool) -> Reach | Refusal:
    """Read an e-mail address; refuses malformed-email. The domain is kept in lower case."""
    stripped = text.strip()
    if len(stripped) > 254 or ".." in stripped or not EMAIL.fullmatch(stripped):
        return MALFORMED_EMAIL()
    local, _, domain = stripped.rpartition("@")
    return Reach("email", "email", f"{local}@{domain.lower()}", receives)


def with_receiver(reaches: Sequence[Reach]) -> list[Reach] | Refusal:
    """Return the ways of one channel, each once, with the one that receives messages (R9-R11).

    A landline receives none. The only candidate receives by itself; among several, exactly one must be named.
    """
    unique = {(reach.value): reach for reach in sorted(reaches, key=lambda reach: reach.receives)}
    candidates = [reach for reach in unique.values() if reach.kind != "landline"]
    named = [reach for reach in unique.values() if reach.receives]
    if len(candidates) == 1 and not named:
        named = candidates
    if len(named) != (1 if candidates else 0) or any(reach.kind == "landline" for reach in named):
        return ONE_RECEIVER()
    return [replace(reach, receives=reach in named) for reach in unique.values()]


def landlines_kept(old: Sequence[Reach], new: Sequence[Reach]) -> list[Reach] | Refusal:
    """Return a patron's own wish with the landlines as they are: these are the staff's to change (R9)."""
    kept = [reach for reach in old if reach.kind == "landline"]
    if not {reach.value for reach in new if reach.kind == "landline"} <= {reach.value for reach in kept}:
        return LANDLINE_BY_STAFF()
    return [*kept, *(reach for reach in new if reach.kind != "landline")]
