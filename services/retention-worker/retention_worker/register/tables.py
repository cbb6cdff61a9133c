"""The register: one row per erased record. Append-only by a trigger; no event brings a registered record back."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index

from glem_retention.personal import TIMESTAMP, plain
from retention_worker.base import Table


class RegisterEntry(Table, table=True):
    """A record that was erased, redacted, or found gone; random ids, codes and times only.

    For a record that was erased in the action that ended it, `anchor` is null and `policy_version` is 0.
    """

    __tablename__ = "register"
    __table_args__ = (
        Index("register_record", "record_class", "record_id", unique=True),
        Index("register_agency", "agency", "record_class", "done_at"),
    )

    entry: int = plain(
        primary_key=True,
        sa_type=BigInteger,
        sa_column_args=(Identity(always=True),),
        sa_column_kwargs={"autoincrement": "auto"},
    )
    agency: str = plain()
    record_class: str = plain()
    record_id: int = plain(sa_type=BigInteger)
    outcome: str = plain()
    policy_version: int = plain(default=0)
    anchor: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    due_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    done_at: datetime = plain(sa_type=TIMESTAMP)
