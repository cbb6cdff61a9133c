"""What crosses the wire to services that tell a patron of something. Amounts are in øre."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from glem_contracts.ids import RecordId


class Wanted(BaseModel):
    """What a message is about."""

    model_config = ConfigDict(extra="forbid")

    loan_ids: list[RecordId] = Field(default=[], max_length=1000)
    reservation_ids: list[RecordId] = Field(default=[], max_length=1000)
    debt_ids: list[RecordId] = Field(default=[], max_length=1000)


class LoanTitle(BaseModel):
    """A loan, named."""

    loan_id: int
    patron_id: int
    title: str
    creator: str
    due_on: date
    returned_at: datetime | None


class ReservationTitle(BaseModel):
    """A reservation, named."""

    reservation_id: int
    patron_id: int
    title: str
    creator: str
    pickup_branch: str
    pickup_deadline: date | None
    pickup_number: int | None


class DebtTitle(BaseModel):
    """A debt and what it is for, while that is kept."""

    debt_id: int
    patron_id: int
    kind: str
    cause: str
    amount: int
    balance: int
    raised_at: datetime
    titles: list[str]


class Titles(BaseModel):
    """What was found and is not due; the rest is simply absent."""

    loans: list[LoanTitle]
    reservations: list[ReservationTitle]
    debts: list[DebtTitle]


class Standing(BaseModel):
    """What keeps a patron from being erased (R32), and the reservations that would go."""

    open_loans: int
    open_debts: int
    reservations: int
