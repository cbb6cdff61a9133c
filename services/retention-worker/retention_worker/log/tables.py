"""The log's leaves, tiles of hashes, signed heads, and the key that signs. All are append-only by triggers."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, text

from glem_retention.personal import TIMESTAMP, plain
from retention_worker.base import Table


class Leaf(Table, table=True):
    """One leaf: a receipt (has a `commitment`), or the dispute of a receipt (has the index that it `disputes`).

    Nothing here leads to a record: the salt of `commitment` is deleted, and within a batch leaves are in the order of their
    commitments, which is random. `hour` is the hour of the erasure.
    """

    __tablename__ = "leaf"
    __table_args__ = (
        Index("leaf_commitment", "commitment", unique=True),
        Index("leaf_disputes", "disputes", "reason", unique=True, postgresql_where=text("disputes IS NOT NULL")),
        CheckConstraint("(commitment IS NULL) <> (disputes IS NULL)", name="leaf_is_receipt_or_dispute"),
    )

    leaf_index: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    hour: datetime = plain(sa_type=TIMESTAMP)
    commitment: bytes | None = plain(default=None, sa_type=LargeBinary)
    record_class: str | None = plain(default=None)
    action: str | None = plain(default=None)
    policy_version: int | None = plain(default=None)
    disputes: int | None = plain(default=None, sa_type=BigInteger)
    reason: str | None = plain(default=None)


class TileRow(Table, table=True):
    """Up to 256 hashes of one level of the tree, 32 bytes each; a tile grows at its end only."""

    __tablename__ = "tile"

    level: int = plain(primary_key=True)
    tile_index: int = plain(primary_key=True, sa_type=BigInteger)
    hashes: bytes = plain(sa_type=LargeBinary)


class TreeHead(Table, table=True):
    """A head that was signed, and that others may have kept."""

    __tablename__ = "tree_head"

    size: int = plain(primary_key=True, sa_type=BigInteger)
    signed_at: datetime = plain(primary_key=True, sa_type=TIMESTAMP)
    log_id: str = plain()
    root: bytes = plain(sa_type=LargeBinary)
    signature: bytes = plain(sa_type=LargeBinary)


class LogKey(Table, table=True):
    """The private key that a worker made because the environment gives none; one row."""

    __tablename__ = "log_key"
    __table_args__ = (CheckConstraint("key_id = 1", name="log_key_is_one"),)

    key_id: int = plain(primary_key=True, default=1)
    seed: bytes = plain(sa_type=LargeBinary)
    made_at: datetime = plain(sa_type=TIMESTAMP)
