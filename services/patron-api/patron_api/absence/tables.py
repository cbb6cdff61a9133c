"""The absence period of a patron; it goes as it ends."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared, Parent
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

PAUSE = "fill no reservation in an absence (R13)"


class Absence(Table, table=True):
    """A period of Danish days, both inclusive, either end open. `anchor` is the end of its last day, null when open."""

    __tablename__ = "absence"
    __table_args__ = (Index("absence_until", "agency", "until_day", postgresql_where=text("until_day IS NOT NULL")),)

    absence_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        PAUSE, "absence", sa_type=BigInteger, unique=True, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    from_day: date | None = personal(PAUSE, "absence", default=None)
    until_day: date | None = personal(PAUSE, "absence", default=None)
    anchor: datetime | None = personal("erase when due (R13)", "absence", default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=1)


ABSENCES = Declared(
    record_class="absence",
    model=Absence,
    key="absence_id",
    erased_event=PatronDataErased,
    anchor="anchor",
    facts="(until_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen'",
    version="clock_version",
    parent=Parent(table="patron", key="patron_id"),
    in_snapshot="TRUE",
    shown_as="absence",
)
