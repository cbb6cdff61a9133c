"""The consent as lending knows it, and the list of works; of a loan nothing else stays."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint

from glem_contracts.events import HomeboundListChanged
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from loan_api.base import Table

REMEMBER = "send a homebound patron no work twice (R43, R44)"


class HomeboundConsent(Table, table=True):
    """Whether a patron's consent is in force, by patron-api's events; the highest `version` counts, and each end once (`ended_version`).

    Locked by what enters a work and by what ends the consent, so that no work enters a list that goes.
    """

    __tablename__ = "homebound_consent"

    patron_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    version: int = plain(default=0, sa_type=BigInteger)
    ended_version: int = plain(default=0, sa_type=BigInteger)
    in_force: bool = personal(REMEMBER, "patron", default=False)
    since: datetime | None = personal(
        "remember no loan that was due before (R44)", "patron", default=None, sa_type=TIMESTAMP
    )


class HomeboundWork(Table, table=True):
    """A work that a homebound patron has had.

    No loan, no branch, and of the time only the `month` (its first day) in which it entered; `anchor` is its beginning.
    """

    __tablename__ = "homebound_work"
    __table_args__ = (
        UniqueConstraint("patron_id", "work_id", name="homebound_work_once"),
        Index("homebound_work_month", "agency", "month"),
    )

    entry_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(REMEMBER, "homebound-work", sa_type=BigInteger)
    work_id: str = personal(REMEMBER, "homebound-work")
    month: date = personal(REMEMBER, "homebound-work")
    anchor: datetime = personal("erase when due (R44)", "homebound-work", sa_type=TIMESTAMP)
    clock_version: int = plain(default=1)


HOMEBOUND_WORKS = Declared(
    record_class="homebound-work",
    model=HomeboundWork,
    key="entry_id",
    erased_event=HomeboundListChanged,
    anchor="anchor",
    facts="month::timestamp AT TIME ZONE 'UTC'",
    version="clock_version",
    shown_as="homebound_work",
    extra={
        name: f"(SELECT {name} FROM work WHERE work.agency = homebound_work.agency AND work.work_id = homebound_work.work_id)"  # noqa: S608
        for name in ("title", "creator")
    },
)
