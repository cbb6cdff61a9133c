"""How many records fell due on each day, and the days that a breaker keeps."""

from datetime import date, datetime

from sqlalchemy import BigInteger, String

from glem_contracts.events import RetentionDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from retention_worker.base import Table

ANSWERS = "show who let the records of a breaker go"
CLASS = "breaker-acknowledgement"


class DueDay(Table, table=True):
    """How many records that fell due on `day` (UTC) are gone; by due day, so that a backlog after an outage is no flood."""

    __tablename__ = "due_day"

    agency: str = plain(primary_key=True)
    record_class: str = plain(primary_key=True)
    day: date = plain(primary_key=True)
    records: int = plain(sa_type=BigInteger)


class BreakerRow(Table, table=True):
    """A due day with more than was allowed (open), or one for which somebody has allowed `acknowledged` more.

    `acknowledgement_id` is new with every acknowledgement of the day; the name of the one before is replaced.
    """

    __tablename__ = "breaker"

    agency: str = plain(primary_key=True)
    record_class: str = plain(primary_key=True)
    due_day: date = plain(primary_key=True)
    is_open: bool = plain()
    records: int = plain(sa_type=BigInteger)
    allowed: int = plain(sa_type=BigInteger)
    acknowledged: int = plain(sa_type=BigInteger)
    opened_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    acknowledged_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    acknowledged_by: str | None = personal(ANSWERS, CLASS, default=None, sa_type=String)
    acknowledgement_id: int | None = plain(default=None, sa_type=BigInteger)


ACKNOWLEDGEMENTS = Declared(
    record_class=CLASS,
    model=BreakerRow,
    key="acknowledgement_id",
    patron=None,
    only="acknowledged_by IS NOT NULL",
    instead="acknowledged_by = NULL",
    erased_event=RetentionDataErased,
    anchor="acknowledged_at",
    facts="acknowledged_at",
)
