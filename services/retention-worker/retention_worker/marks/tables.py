"""The newest mark of each owner's database."""

from datetime import datetime

from sqlalchemy import BigInteger

from glem_retention.personal import TIMESTAMP, plain
from retention_worker.base import Table


class OwnerMark(Table, table=True):
    """The newest mark of a service's database, and the newest line of the register at that time."""

    __tablename__ = "owner_mark"

    service: str = plain(primary_key=True)
    system_identifier: int = plain(sa_type=BigInteger)
    database_oid: int = plain(sa_type=BigInteger)
    outbox_oid: int = plain(sa_type=BigInteger)
    timeline: int = plain()
    lsn: int = plain(sa_type=BigInteger)
    events: int = plain(sa_type=BigInteger)
    entry: int = plain(sa_type=BigInteger)
    told_at: datetime = plain(sa_type=TIMESTAMP)
