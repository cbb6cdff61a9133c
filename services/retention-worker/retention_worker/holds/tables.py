"""Legal holds and the records that they cover. `clock.held_until` is derived from here, for the sweep."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index

from glem_retention.personal import TIMESTAMP, personal, plain
from retention_worker.base import Table

ANSWERS = "show who placed or ended a legal hold, and why; erased a year after its end"
CLASS = "legal-hold"


class LegalHold(Table, table=True):
    """One hold; it holds until `ends_at`, or until it is released before."""

    __tablename__ = "legal_hold"
    __table_args__ = (Index("legal_hold_end", "ends_at"),)

    hold_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    kind: str = plain()
    author: str = personal(ANSWERS, CLASS)
    reason: str = personal(ANSWERS, CLASS)
    placed_at: datetime = plain(sa_type=TIMESTAMP)
    ends_at: datetime = plain(sa_type=TIMESTAMP)
    released_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    released_by: str | None = personal(ANSWERS, CLASS, default=None)


class HeldRecord(Table, table=True):
    """A record that a hold covers; `record_id` is random and tells nothing without its owner."""

    __tablename__ = "held_record"
    __table_args__ = (Index("held_record_record", "record_class", "record_id"),)

    hold_id: int = plain(primary_key=True, sa_type=BigInteger, sa_column_args=(ForeignKey("legal_hold.hold_id"),))
    record_class: str = plain(primary_key=True)
    record_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
