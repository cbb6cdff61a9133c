"""What patron-api asks before it erases a patron, and what it gets. Amounts are in øre."""

from datetime import date, datetime

from pydantic import BaseModel


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


class HeldRecord(BaseModel):
    """A record under a legal hold, and until when."""

    record_class: str
    record_id: int
    ends_at: datetime


class Closing(BaseModel):
    """Whether lending has let go of a patron, and if not, everything that stands against it (H37)."""

    closed: bool
    loans: list[OpenLoan] = []
    debts: list[OpenDebt] = []
    held: list[HeldRecord] = []


class Remains(BaseModel):
    """What is left of a patron: `forgotten` says that late events change nothing more; `records` counts rows by kind."""

    forgotten: bool
    records: dict[str, int]
