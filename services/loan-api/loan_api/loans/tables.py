"""The loan: open, then returned or closed as lost or damaged, then gone."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events.envelope import RecordClock
from glem_retention.personal import TIMESTAMP, personal, plain
from loan_api.base import Table

TRACK = "overview of loans, and disputes about returns (R33, R34)"


class Loan(Table, table=True):
    """One loan. `anchor`: from when its period runs, or null, by the rule in anchor.sql (R34, R37).

    `returned_at` is also set when the loan is closed as lost or damaged (`closed_as`). `clock_version` counts up with each
    change of `anchor`. `claimed_at`: since when the patron has said that the item is back (H21). An item has at most one open
    loan, by index.
    """

    __tablename__ = "loan"
    __table_args__ = (
        Index("loan_open_item", "item_id", unique=True, postgresql_where=text("returned_at IS NULL")),
        Index("loan_patron", "patron_id"),
        Index("loan_return_key", "item_id", "return_key", postgresql_where=text("return_key IS NOT NULL")),
        Index("loan_given_up", "item_id", postgresql_where=text("closed_as IS NOT NULL")),
        Index("loan_calendar", "agency", "due_on", postgresql_where=text("returned_at IS NULL")),
        Index("loan_returned", "agency", "returned_at", postgresql_where=text("returned_at IS NOT NULL")),
    )

    loan_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(TRACK, "loan", sa_type=BigInteger)
    item_id: int = personal(TRACK, "loan", sa_type=BigInteger)
    work_id: str = personal(TRACK, "loan")
    branch: str = personal(TRACK, "loan")
    loaned_at: datetime = personal(TRACK, "loan", sa_type=TIMESTAMP)
    due_on: date = personal(TRACK, "loan")
    renewals: int = personal(TRACK, "loan", default=0)
    returned_at: datetime | None = personal(TRACK, "loan", default=None, sa_type=TIMESTAMP)
    closed_as: str | None = personal(TRACK, "loan", default=None)
    return_key: str | None = personal("give a repeated return the same answer", "loan", default=None)
    due_soon_told: date | None = personal("send the due-soon notice once per due date (R61)", "loan", default=None)
    reminders: int = personal("send each overdue reminder once (R61)", "loan", default=0)
    claimed_at: datetime | None = personal(
        "send no reminders while staff look for the item (R61)", "loan", default=None, sa_type=TIMESTAMP
    )
    anchor: datetime | None = personal("erase when due (R34)", "loan", default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=0)


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A loan as read from the database."""

    loan_id: int
    agency: str
    patron_id: int
    item_id: int
    work_id: str
    branch: str
    loaned_at: datetime
    due_on: date
    renewals: int
    returned_at: datetime | None
    closed_as: str | None
    return_key: str | None
    anchor: datetime | None
    clock_version: int

    @property
    def clock(self) -> RecordClock:
        """What an event says of the loan's retention."""
        return RecordClock(record_class="loan", record_id=self.loan_id, version=self.clock_version, anchor=self.anchor)
