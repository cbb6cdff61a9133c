"""Legal holds and the records that they cover. `clock.held_until` is derived from here, for the sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import BigInteger, ForeignKey, Index

from glem.database import Transaction
from glem_contracts.events import LegalHoldErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from retention_worker.base import Table

ANSWERS = "show who placed or ended a legal hold, and why"
CLASS = "legal-hold"
END = "least(ends_at, released_at)"


class LegalHold(Table, table=True):
    """One hold; it holds until `ends_at`, or until it is released before. `clock_version` counts up when its end moves."""

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
    clock_version: int = plain()


class HeldRecord(Table, table=True):
    """A record that a hold covers; `record_id` is random and means nothing without its owner."""

    __tablename__ = "held_record"
    __table_args__ = (Index("held_record_record", "record_class", "record_id"),)

    hold_id: int = plain(primary_key=True, sa_type=BigInteger, sa_column_args=(ForeignKey("legal_hold.hold_id"),))
    record_class: str = plain(primary_key=True)
    record_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()


DELETE_UNSEEN = """
DELETE FROM clock c USING held_record covered
WHERE covered.hold_id = ANY($1::bigint[]) AND covered.agency = $2
  AND c.record_class = covered.record_class AND c.record_id = covered.record_id AND c.version = -1
  AND NOT EXISTS (
    SELECT FROM held_record other WHERE other.record_class = c.record_class AND other.record_id = c.record_id
      AND other.hold_id <> ALL($1::bigint[])
  )
"""


@dataclass(frozen=True, kw_only=True)
class DeclaredHolds(Declared):
    """Holds: the rows of what they cover hang on them, and so do the clocks of version -1 that only they called for."""

    async def delete(self, tx: Transaction, agency: str, ids: Sequence[int]) -> list[asyncpg.Record]:
        """Delete holds as `Declared` does, and before them those clocks."""
        await tx.execute(DELETE_UNSEEN, ids, agency)
        return await super().delete(tx, agency, ids)


LEGAL_HOLDS = DeclaredHolds(
    record_class=CLASS,
    model=LegalHold,
    key="hold_id",
    patron=None,
    erased_event=LegalHoldErased,
    anchor=END,
    facts=END,
    version="clock_version",
    hangs=(("held_record", "hold_id"),),
)
