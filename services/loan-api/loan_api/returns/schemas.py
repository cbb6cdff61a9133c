"""What crosses the wire about returns. Amounts are in øre."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from loan_api.debts.schemas import DebtShown
from loan_api.fields import Code
from loan_api.loans.schemas import LoanView
from loan_api.reservations.schemas import ReservationView


class CheckIn(BaseModel):
    """A return at `branch`. `returned_at` is told by an automat that was offline; a date means the end of that day (H58)."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    branch: Code
    receipt: bool = False
    returned_at: AwareDatetime | date | None = None


class Returned(BaseModel):
    """What a return did: the loan that ended (null for an item that only passed the desk), debts raised, who gets the item next."""

    loan: LoanView | None
    debts: list[DebtShown]
    reservation: ReservationView | None


class Loss(BaseModel):
    """An item given up. `price` in øre; the item's own when left out."""

    model_config = ConfigDict(extra="forbid")

    cause: Literal["lost", "damaged"]
    price: int | None = Field(default=None, ge=0, le=10_000_000)


class Lost(BaseModel):
    """The closed loan and what is owed for the item; null for a price of 0."""

    loan: LoanView
    debt: DebtShown | None
