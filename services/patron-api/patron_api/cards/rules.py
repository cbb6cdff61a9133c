"""Which cards a patron may have, and what their numbers look like."""

from datetime import date
from typing import Literal

from glem.problems import ProblemType, Refusal
from patron_api.cpr import Cpr

MALFORMED_CARD = ProblemType(
    "malformed-card",
    422,
    "Et lånerkorts nummer er 6 til 20 cifre og ikke et CPR-nummer; et sundhedskort har intet nummer her.",
    "A library card's number is 6 to 20 digits and no CPR number; a health card has no number here.",
)
CHILD_CARD_FOR_CHILDREN = ProblemType(
    "child-card-for-children",
    409,
    "Børnelånerkort er for lånere under 18 år.",
    "Child cards are for patrons under 18.",
)
CARD_TAKEN = ProblemType("card-taken", 409, "Kortet er allerede i brug.", "The card is already in use.")
UNKNOWN_CARD = ProblemType("unknown-card", 404, "Kortet kendes ikke.", "The card is not known.")

Kind = Literal["health", "library", "child"]
Because = Literal["stolen", "replaced", "returned"]


def card_fits(kind: Kind, number: str | None, *, is_minor: bool, today: date) -> Refusal | None:
    """Refuse a number of the wrong shape, and a child card for an adult (R20, R26, R30).

    A health card's number is the CPR number, which is never copied here (R5).
    """
    if kind == "health":
        return MALFORMED_CARD() if number is not None else None
    if number is None or not (number.isascii() and number.isdigit() and 6 <= len(number) <= 20):
        return MALFORMED_CARD()
    if isinstance(Cpr.parse(number, today), Cpr):
        return MALFORMED_CARD()
    return CHILD_CARD_FOR_CHILDREN() if kind == "child" and not is_minor else None
