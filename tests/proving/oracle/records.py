"""What the oracle knows of each record from the history alone. Amounts are in øre."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta


@dataclass
class Fate:
    """When one record must go. `anchor` is what its period runs from, null while something holds it.

    `touched` is when the history last moved the anchor: nothing can be expected to have gone before that. What an act itself
    ends goes `at_once`, in the same transaction.
    """

    anchor: datetime | None = None
    touched: datetime | None = None
    gone_at: datetime | None = None
    at_once: bool = False

    def move(self, anchor: datetime | None, at: datetime, period: timedelta | None) -> bool:
        """Let `anchor` hold from `at` on, unless the record was due by then; say whether it does."""
        if self.is_due(at, period):
            return False
        if anchor != self.anchor:
            self.anchor, self.touched = anchor, at
        return True

    def is_due(self, at: datetime, period: timedelta | None) -> bool:
        """Say whether the record had to be gone by `at`."""
        if self.gone_at is None and self.anchor is not None and period is not None and self.anchor + period <= at:
            self.gone_at = self.anchor + period
        return self.gone_at is not None

    def end(self, at: datetime) -> None:
        """Let the record go at `at`, whatever its anchor."""
        if self.gone_at is None:
            self.gone_at, self.at_once = at, True


@dataclass
class Loan:
    """A loan as the history tells it. `fees` are the overdue fees that it is or was part of."""

    loan_id: int
    agency: str
    patron_id: int
    item: str
    work_id: str
    branch: str
    opened_at: datetime
    due_on: date
    renewals: int = 0
    returned_at: datetime | None = None
    closed_as: str | None = None
    readied: int | None = None
    fate: Fate = field(default_factory=Fate)


@dataclass
class Debt:
    """A debt, its ledger and the loans that it is for."""

    debt_id: int
    agency: str
    patron_id: int
    kind: str
    cause: str
    amount: int
    raised_at: datetime
    due_on: date | None
    loans: set[int]
    balance: int
    settled_at: datetime | None = None
    fate: Fate = field(default_factory=Fate)
    amount_fate: Fate = field(default_factory=Fate)

    @property
    def is_open(self) -> bool:
        """Say whether something is still owed."""
        return self.balance > 0


@dataclass
class Payment:
    """A payment by its order: what it paid of each debt."""

    order_id: str
    patron_id: int
    shares: dict[int, int]


@dataclass
class Reservation:
    """A reservation; `deadline` is the last day to fetch it, once it is ready."""

    reservation_id: int
    agency: str
    patron_id: int
    work_id: str
    expires_on: date
    deadline: date | None = None
    ended_at: datetime | None = None
    ended_by_act: bool = False


@dataclass
class Dated:
    """A note, an absence or a block: `kind` is the note's kind or the block's code. `record_class` is that of its erasure."""

    record_class: str
    record_id: int
    agency: str
    patron_id: int
    kind: str
    since: datetime
    fate: Fate = field(default_factory=Fate)


@dataclass
class Patron:
    """A patron of the history: never a name or a CPR number. `contacts` are the present values."""

    patron_id: int
    agency: str
    group: str
    home_branch: str
    language: str
    contacts: set[str] = field(default_factory=set)
