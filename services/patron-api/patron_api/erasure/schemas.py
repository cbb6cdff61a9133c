"""What crosses the wire about an erasure. Amounts are in øre."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from glem_contracts.holds import RecordHold
from patron_api.erasure.rules import State


class Wish(BaseModel):
    """A wish to be erased; `when_clear`: if something is open now, then as soon as nothing is."""

    model_config = ConfigDict(extra="forbid")

    when_clear: bool = False


class ShownLoan(BaseModel):
    """A loan that is not back. The title is for the patron alone, asked of lending at this moment and never kept."""

    loan_id: int
    due_on: date
    title: str | None = None


class ShownDebt(BaseModel):
    """A debt that is not settled; titles as with a loan."""

    debt_id: int
    kind: str
    balance: int
    titles: list[str] | None = None


class RequestView(BaseModel):
    """A request without whose it is."""

    request_id: int
    state: State
    asked_at: datetime
    erased_at: datetime | None
    done_at: datetime | None


class ErasureView(RequestView):
    """A request with its progress, and, while it is refused or waits, everything that stands against it."""

    when_clear: bool
    services: dict[str, str] = Field(description="asked, waiting, refused, erasing or done, by service.")
    open_loans: list[ShownLoan] = []
    open_debts: list[ShownDebt] = []
    held: list[RecordHold] = []
