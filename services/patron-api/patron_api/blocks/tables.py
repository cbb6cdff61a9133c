"""Blocks, in force and lifted."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared, Parent
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

ENFORCE = "keep a blocked patron from borrowing (R14, R15)"


class Block(Table, table=True):
    """Why a patron may not borrow, and since when. Lifted, it stays for its period (`lifted_at` is its anchor), then goes."""

    __tablename__ = "block"
    __table_args__ = (
        Index("block_in_force", "patron_id", "code", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("block_lifted", "agency", "lifted_at", postgresql_where=text("lifted_at IS NOT NULL")),
        Index("block_patron", "patron_id"),
    )

    block_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        ENFORCE, "lifted-block", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    code: str = personal(ENFORCE, "lifted-block")
    reason: str | None = personal(ENFORCE, "lifted-block", default=None)
    since: datetime = personal(ENFORCE, "lifted-block", sa_type=TIMESTAMP)
    lifted_at: datetime | None = personal("erase when due (R14)", "lifted-block", default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=0)


BLOCKS = Declared(
    record_class="lifted-block",
    model=Block,
    key="block_id",
    erased_event=PatronDataErased,
    anchor="lifted_at",
    facts="lifted_at",
    version="clock_version",
    parent=Parent(table="patron", key="patron_id"),
    in_snapshot="lifted_at IS NULL",
    shown_as="block",
)
