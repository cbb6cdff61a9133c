"""The clock of a record: its anchor, never a due date, so that a policy change rewrites nothing."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, text

from glem_retention.personal import TIMESTAMP, plain
from retention_worker.base import Table

RANDOM_SALT = "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"


class RecordClockRow(Table, table=True):
    """The newest known clock of one record; `record_id` is random and means nothing without its owner.

    `leased_until` and `not_before` are in the database's own time: a record is leased until the first, and after a failure
    not leased again before the second. An expired `leased_until` means an order without an answer: the record may be gone.
    `tries` counts failures in a row. `held_until` is the end of the last legal hold on the record. `salt` goes into the record's
    leaf and receipt, and is deleted with the clock. A row of version -1 is no clock yet: a legal hold was placed on the record
    before any event reported it.
    """

    __tablename__ = "clock"
    __table_args__ = (
        Index("clock_due", "agency", "record_class", "anchor", postgresql_where=text("anchor IS NOT NULL")),
        Index("clock_held", "agency", "record_class", "anchor", postgresql_where=text("held_until IS NOT NULL")),
    )

    record_class: str = plain(primary_key=True)
    record_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    version: int = plain(sa_type=BigInteger)
    anchor: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    leased_until: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    not_before: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    tries: int = plain(default=0)
    held_until: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    salt: bytes = plain(sa_type=LargeBinary, sa_column_kwargs={"server_default": text(RANDOM_SALT)})
