"""What crosses the wire about an erasure. Amounts are in øre."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from patron_api.erasure.rules import State


class Wish(BaseModel):
    """A wish to be erased; `when_clear`: if something is open now, then as soon as nothing is."""

    model_config = ConfigDict(extra="forbid")

    when_clear: bool = False


class OpenLoan(BaseModel):
    """A loan that is not back. The title is for the patron alone, asked of lending at this moment and never kept."""

    loan_id: int
    due_on: date
    title: str | None = None


class OpenDebt(BaseModel):
    """A debt that is not settled; titles as with a loan."""

    debt_id: int
    kind: str
    balance: int
    titles: list[str] | None = None


class HeldRecord(BaseModel):
    """A record under a legal hold."""

    record_class: str
    record_id: int
    ends_at: datetime


class Against(BaseModel):
    """What stands against an erasure."""

    closed: bool
    loans: list[OpenLoan] = []
    debts: list[OpenDebt] = []
    held: list[HeldRecord] = []


class Problem(BaseModel):
    """What a peer's refusal is called."""

    type: str


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
    open_loans: list[OpenLoan] = []
    open_debts: list[OpenDebt] = []
    held: list[HeldRecord] = []


class Remains(BaseModel):
    """A peer's answer to what is left of a patron."""

    forgotten: bool
    records: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Whether nothing is left, and late events bring nothing back."""
        return self.forgotten and not any(self.records.values())
