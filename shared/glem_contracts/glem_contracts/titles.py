"""Titles: what a message is about, named at the moment when it is sent or shown; events hold ids alone.

notifier calls, loan-api answers. Amounts are in øre. What is due or gone is absent from the answer. The caller keeps nothing of it
but the text of the message.
"""

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.ids import RecordId


class TitlesWanted(BaseModel):
    """The records that a message is about; at most 1000 of a kind."""

    model_config = ConfigDict(extra="forbid")

    loan_ids: list[RecordId] = Field(default=[], max_length=1000)
    reservation_ids: list[RecordId] = Field(default=[], max_length=1000)
    debt_ids: list[RecordId] = Field(default=[], max_length=1000)


class LoanTitle(BaseModel):
    """A loan that is still there; `creator` is empty where none is known."""

    loan_id: int
    patron_id: int
    title: str
    creator: str
    due_on: date
    returned_at: AwareDatetime | None


class ReservationTitle(BaseModel):
    """A reservation that is still there; it waits on the shelf when it has a deadline."""

    reservation_id: int
    patron_id: int
    title: str
    creator: str
    pickup_branch: str
    pickup_deadline: date | None
    pickup_number: int | None


class DebtTitle(BaseModel):
    """A debt that is still there and what it is for, while that is kept; `amount` and `balance` in øre."""

    debt_id: int
    patron_id: int
    kind: str
    cause: str
    amount: int
    balance: int
    raised_at: AwareDatetime
    titles: list[str]


class Titles(BaseModel):
    """What was found and is not due; the rest is absent."""

    loans: list[LoanTitle]
    reservations: list[ReservationTitle]
    debts: list[DebtTitle]


RESOLVE_TITLES = Call("POST", "/titles/resolve", ("loan-api",), TypeAdapter(Titles), asked=TitlesWanted)
