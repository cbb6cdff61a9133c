"""All SQL about the log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from glem.database import Database, Transaction, columns_of
from retention_worker.log.rules import Receipts
from retention_worker.log.tree import HEIGHT, LEVELS, Tile

Reader = Database | Transaction
Row = dict[str, Any]
LOG_LOCK = 0x6C6F67  # "log"


async def lock(tx: Transaction) -> tuple[int, dict[Tile, bytes]]:
    """Lock the log for this transaction; return its size and its unfilled tiles.

    It must be the last lock of a transaction: then no deadlock can come from it.
    """
    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOG_LOCK)
    rows = await tx.fetch(
        """
        -- The unfilled tile of each level, of $1 levels; a tile of level n covers 2 ^ ($2 * (n + 1)) leaves.
        WITH known AS (SELECT coalesce(max(leaf_index) + 1, 0) AS size FROM leaf)
        SELECT known.size, tile.level, tile.tile_index, tile.hashes
        FROM known
        LEFT JOIN LATERAL (
            SELECT tile.* FROM generate_series(0, $1 - 1) AS at (level)
            JOIN tile ON tile.level = at.level AND tile.tile_index = known.size >> ($2 * (at.level + 1))
        ) tile ON true
        """,
        LEVELS,
        HEIGHT,
    )
    begun = {(row["level"], row["tile_index"]): row["hashes"] for row in rows if row["level"] is not None}
    return rows[0]["size"], begun


async def insert_receipts(tx: Transaction, first: int, batch: Receipts) -> None:
    """Write the leaves of `batch` from index `first` on."""
    kind = batch.kind
    await tx.execute(
        """
        -- $1 first index; $2 agency, $3 hour, $4 class, $5 action, $6 policy version; $7 commitments
        INSERT INTO leaf (leaf_index, agency, hour, commitment, record_class, action, policy_version)
        SELECT $1 + n.at - 1, $2, $3, n.commitment, $4, $5, $6
        FROM unnest($7::bytea[]) WITH ORDINALITY AS n (commitment, at)
        """,
        first,
        kind.agency,
        kind.hour,
        kind.record_class,
        kind.action,
        kind.policy_version,
        batch.commitments,
    )


async def insert_dispute(
    tx: Transaction, leaf_index: int, agency: str, hour: datetime, disputes: int, reason: str
) -> None:
    """Write the leaf of a dispute."""
    await tx.execute(
        "INSERT INTO leaf (leaf_index, agency, hour, disputes, reason) VALUES ($1, $2, $3, $4, $5)",
        leaf_index,
        agency,
        hour,
        disputes,
        reason,
    )


async def write_tiles(tx: Transaction, tiles: Mapping[Tile, bytes]) -> None:
    """Write tiles that have grown."""
    await tx.execute(
        """
        INSERT INTO tile (level, tile_index, hashes) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[])
        ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes
        """,
        *columns_of([(level, index, hashes) for (level, index), hashes in tiles.items()], 3),
    )


async def tiles(reader: Reader, wanted: Iterable[Tile]) -> dict[Tile, bytes]:
    """Return those of the tiles `wanted` that exist."""
    rows = await reader.fetch(
        """
        SELECT tile.* FROM unnest($1::int[], $2::bigint[]) AS n (level, tile_index)
        JOIN tile USING (level, tile_index)
        """,
        *columns_of(list(wanted), 2),
    )
    return {(row["level"], row["tile_index"]): row["hashes"] for row in rows}


async def size(reader: Reader) -> int:
    """Return how many leaves there are, signed or not."""
    found: int = await reader.fetchval("SELECT coalesce(max(leaf_index) + 1, 0) FROM leaf")
    return found


async def leaves(reader: Reader, start: int, end: int) -> list[Row]:
    """Return the leaves from `start` to before `end`, in order."""
    rows = await reader.fetch(
        "SELECT * FROM leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index", start, end
    )
    return [dict(row) for row in rows]


async def leaf_of(reader: Reader, commitment: bytes, size: int) -> Row | None:
    """Return the leaf of a commitment among the first `size`."""
    row = await reader.fetchrow("SELECT * FROM leaf WHERE commitment = $1 AND leaf_index < $2", commitment, size)
    return None if row is None else dict(row)


async def disputes_of(reader: Reader, index: int) -> list[Row]:
    """Return the leaves that dispute the one at `index`."""
    rows = await reader.fetch("SELECT * FROM leaf WHERE disputes = $1 ORDER BY leaf_index", index)
    return [dict(row) for row in rows]


async def newest_head(reader: Reader) -> Row | None:
    """Return the head that was signed last."""
    row = await reader.fetchrow("SELECT * FROM tree_head ORDER BY size DESC, signed_at DESC LIMIT 1")
    return None if row is None else dict(row)


async def insert_head(
    tx: Transaction, size: int, signed_at: datetime, log_id: str, root: bytes, signature: bytes
) -> None:
    """Store a head; storing it again changes nothing."""
    await tx.execute(
        """
        INSERT INTO tree_head (size, signed_at, log_id, root, signature) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        size,
        signed_at,
        log_id,
        root,
        signature,
    )


async def thin_heads(tx: Transaction, before: datetime) -> None:
    """Of the heads signed before `before`, keep the last of each hour."""
    await tx.execute(
        """
        DELETE FROM tree_head h USING (
            SELECT size, signed_at, row_number() OVER (
                PARTITION BY date_trunc('hour', signed_at) ORDER BY size DESC, signed_at DESC
            ) AS place
            FROM tree_head WHERE signed_at < $1
        ) old
        WHERE old.place > 1 AND h.size = old.size AND h.signed_at = old.signed_at
        """,
        before,
    )


async def own_seed(database: Database, fresh: bytes, now: datetime) -> bytes:
    """Return the stored seed; the first worker stores `fresh`."""
    await database.execute(
        "INSERT INTO log_key (key_id, seed, made_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING", fresh, now
    )
    seed: bytes = await database.fetchval("SELECT seed FROM log_key")
    return seed


async def salts(reader: Reader, agency: str | None, record_class: str, record_ids: Sequence[int]) -> list[Row]:
    """Return the salts of records that have a clock."""
    rows = await reader.fetch(
        """
        SELECT record_id, salt FROM clock
        WHERE record_class = $1 AND record_id = ANY($2::bigint[]) AND ($3::text IS NULL OR agency = $3)
        """,
        record_class,
        record_ids,
        agency,
    )
    return [dict(row) for row in rows]
