"""Who may consent to having works remembered, and what ends a consent without a word of the patron."""

from datetime import date
from typing import Literal

from glem.problems import ProblemType, Refusal
from patron_api.agency import HomeboundRules
from patron_api.patrons.rules import AGE_OF_MAJORITY, has_reached

Signer = Literal["patron", "guardian"]
End = Literal["scheme-ended", "left-group", "of-age"]

NO_SCHEME = ProblemType(
    "no-homebound-scheme",
    409,
    "Biblioteket husker ikke lån for nogen.",
    "This library remembers no loans for anybody.",
)
NOT_HOMEBOUND = ProblemType(
    "not-homebound",
    409,
    "Kun lånere, der får bragt bøger ud, kan give dette samtykke.",
    "Only homebound patrons can give this consent.",
)
SIGNED_LATER = ProblemType(
    "signed-in-future",
    422,
    "Samtykket kan ikke være skrevet under efter i dag.",
    "The consent cannot be signed later than today.",
)
WRONG_SIGNER = ProblemType(
    "wrong-signer",
    422,
    "En låner over 18 år skriver selv under; for en yngre gør værgen det.",
    "A patron of 18 or older signs in person; for a younger one the guardian does.",
)


def may_consent(
    rules: HomeboundRules, *, group: str, born: date, signed_on: date, signed_by: Signer, today: date
) -> Refusal | None:
    """Refuse a consent outside the scheme, of tomorrow, or by the wrong person (R43, H35)."""
    if not rules.enabled:
        return NO_SCHEME()
    if group != rules.group:
        return NOT_HOMEBOUND()
    if signed_on > today:
        return SIGNED_LATER()
    is_adult = has_reached(born, AGE_OF_MAJORITY, today)
    return None if (signed_by == "patron") == is_adult else WRONG_SIGNER()


def ended(rules: HomeboundRules, *, group: str, born: date, signed_by: str | None, today: date) -> End | None:
    """Say what has ended a consent: the scheme (H33), the group (H34), or the 18th birthday of a child (H35)."""
    if not rules.enabled:
        return "scheme-ended"
    if group != rules.group:
        return "left-group"
    if signed_by == "guardian" and has_reached(born, AGE_OF_MAJORITY, today):
        return "of-age"
    return None
