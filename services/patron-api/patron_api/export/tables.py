"""The wish to see one's data, and the log of staff who took a patron's data out. No export is ever stored."""

from datetime import datetime

from sqlalchemy import BigInteger, Index

from glem_contracts.events import PatronDataErased, PatronDataKept
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

GIVE = "give the patron the data that are held (R106)"
WATCH = "show which of the staff took out a patron's data, and why (R84)"


class ExportRequest(Table, table=True):
    """Leave to download an export until the request is due; the export itself is built at each download (decisions/0005)."""

    __tablename__ = "export_request"
    __table_args__ = (
        Index("export_request_patron", "patron_id", "asked_at"),
        Index("export_request_age", "agency", "asked_at"),
    )

    export_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        GIVE, "export-request", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    asked_by: str = personal(GIVE, "export-request")
    reason: str | None = personal(WATCH, "export-request", default=None)
    asked_at: datetime = personal(GIVE, "export-request", sa_type=TIMESTAMP)
    downloads: int = plain(default=0)


class AccessLog(Table, table=True):
    """That somebody of the staff took a patron's data out. Goes with the patron, or after the agency's period."""

    __tablename__ = "access_log"
    __table_args__ = (Index("access_log_patron", "patron_id"), Index("access_log_age", "agency", "at"))

    entry_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        WATCH, "access-log", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    staff: str = personal(WATCH, "access-log")
    reason: str = personal(WATCH, "access-log")
    at: datetime = personal(WATCH, "access-log", sa_type=TIMESTAMP)


EXPORT_REQUESTS = Declared(
    record_class="export-request",
    model=ExportRequest,
    key="export_id",
    erased_event=PatronDataErased,
    kept_event=PatronDataKept,
    anchor="asked_at",
    facts="asked_at",
    shown_as="export_request",
)
ACCESSES = Declared(
    record_class="access-log",
    model=AccessLog,
    key="entry_id",
    erased_event=PatronDataErased,
    kept_event=PatronDataKept,
    anchor="at",
    facts="at",
    shown_as="access_log",
    left_out={"staff": "names a member of staff, who is another person; that it was done, and why, is shown"},
)
