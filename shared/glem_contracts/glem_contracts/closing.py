"""Closing: patron-api has lending let go of a patron before it erases the patron, or learns what stands against it (R32, H37).

patron-api calls, loan-api answers. Amounts are in øre. Titles are for the patron's own eyes, and are never kept by the caller.
"""

from datetime import date

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.holds import RecordHold

UNKNOWN_TO_LENDING = "unknown-patron"
"""The name of loan-api's refusal to close a patron whom neither it nor patron-api knows."""


class OpenLoan(BaseModel):
    """A loan that is not back; its title is for the patron's own eyes."""

    loan_id: int
    due_on: date
    title: str


class OpenDebt(BaseModel):
    """A debt that is not settled; its titles are for the patron's own eyes."""

    debt_id: int
    kind: str
    balance: int
    titles: list[str]


class Closing(BaseModel):
    """Whether lending has let go of a patron, and if not, everything that stands against it (H37)."""

    closed: bool
    loans: list[OpenLoan] = []
    debts: list[OpenDebt] = []
    held: list[RecordHold] = []


CLOSE = Call("POST", "/patrons/{patron_id}/closing", ("loan-api",), TypeAdapter(Closing))
"""Let go of the patron with all that is kept, or say what stands against it. Repeating it is harmless."""
READ_CLOSING = Call("GET", "/patrons/{patron_id}/closing", ("loan-api",), TypeAdapter(Closing))
"""Say what stands against it now, and change nothing."""
