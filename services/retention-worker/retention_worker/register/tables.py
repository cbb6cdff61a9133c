"""The register: one row per record that is gone. Append-only by trigger; an id that is in it never comes back."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index

from glem_retention.personal import TIMESTAMP, plain
from retention_worker.base import Table


class RegisterEntry(Table, table=True):
    """That a record was erased, redacted, or found gone; random ids, codes and times only.

    `anchor` is null for what went at once, in the action that ended it. `policy_version` is 0 there.
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
