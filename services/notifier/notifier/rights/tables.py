"""The tombstone of an erased patron: the random id alone, so that late events about it lead to no message."""

from sqlalchemy import BigInteger

from glem_retention.personal import plain
from notifier.base import Table


class ErasedPatron(Table, table=True):
    """A patron who is erased; the id says nothing about anybody any more."""

    __tablename__ = "erased_patron"

    patron_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
