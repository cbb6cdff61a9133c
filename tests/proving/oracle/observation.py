"""What was found when one looked: lines of the register, and rows of the four databases as the oracle's own queries read them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime

Record = tuple[str, int]
"""A record class and a record id."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the register."""

    agency: str
    record_class: str
    record_id: int
    outcome: str
    done_at: datetime


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A loan that is in the table."""

    agency: str
    patron_id: int
    item: str
    work_id: str
    branch: str
    loaned_at: datetime
    due_on: date
    renewals: int
    returned_at: datetime | None
    closed_as: str | None


@dataclass(frozen=True, slots=True)
class DebtRow:
    """A debt that is in the table, with the sum of its ledger and the loans it still leads to. Amounts are in øre."""

    agency: str
    patron_id: int
    kind: str
    cause: str
    amount: int
    balance: int
    raised_at: datetime
    settled_at: datetime | None
    due_on: date | None
    entries: int
    loans: AbstractSet[int]


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A reservation that is in the table."""

    agency: str
    patron_id: int
    work_id: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A line of the message overview."""

    agency: str
    patron_id: int
    kind: str
    channel: str | None
    state: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class PatronRow:
    """What of a patron's row the history tells too."""

    agency: str
    group: str
    home_branch: str
    language: str


@dataclass(frozen=True, slots=True)
class DatedRow:
    """A note, absence or block in the table; `kind` is the note's kind or the block's code, `at` what its period runs from."""

    agency: str
    patron_id: int
    kind: str
    at: datetime | date | None


@dataclass(frozen=True, slots=True)
class LiftedBlock:
    """A block that has been lifted, and when."""

    agency: str
    patron_id: int
    kind: str
    at: datetime


@dataclass
class Observation:
    """All that was found at `now`. `spoken_of`: of which records each message has been seen to speak, at any glance so far.

    `traces`: where each searched value (an old phone number or e-mail address) is still written.
    `orphans`: rows that lead to a debt that is not there, as "table: count".
    `totals`: per agency and kind of debt, the øre that the ledger's kept days add up to.
    """

    now: datetime
    register: Sequence[Line] = ()
    loans: Mapping[int, LoanRow] = field(default_factory=dict)
    debts: Mapping[int, DebtRow] = field(default_factory=dict)
    reservations: Mapping[int, ReservationRow] = field(default_factory=dict)
    messages: Mapping[int, MessageRow] = field(default_factory=dict)
    bodies: Mapping[int, datetime] = field(default_factory=dict)
    subjects: Mapping[int, AbstractSet[Record]] = field(default_factory=dict)
    spoken_of: Mapping[int, AbstractSet[Record]] = field(default_factory=dict)
    patrons: Mapping[int, PatronRow] = field(default_factory=dict)
    contacts: Mapping[int, AbstractSet[str]] = field(default_factory=dict)
    notes: Mapping[int, DatedRow] = field(default_factory=dict)
    absences: Mapping[int, DatedRow] = field(default_factory=dict)
    blocks: Mapping[int, DatedRow] = field(default_factory=dict)
    traces: Mapping[str, Sequence[str]] = field(default_factory=dict)
    orphans: Sequence[str] = ()
    totals: Mapping[tuple[str, str], int] = field(default_factory=dict)
