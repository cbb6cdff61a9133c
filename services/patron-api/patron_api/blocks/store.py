"""The SQL of blocks."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem.ids import new_id
from glem_contracts.disposals import OverdueRecord


async def insert(tx: Transaction, agency: str, patron_id: int, code: str, reason: str | None) -> bool:
    """Set a block from now; False when it is in force already."""
    made = await tx.fetchval(
        "INSERT INTO block (block_id, agency, patron_id, code, reason, since, clock_version)"
        " VALUES ($1, $2, $3, $4, $5, $6, 0)"
        " ON CONFLICT (patron_id, code) WHERE lifted_at IS NULL DO NOTHING RETURNING block_id",
        new_id(),
        agency,
        patron_id,
        code,
        reason,
        tx.now,
    )
    return made is not None


async def lift(tx: Transaction, patron_id: int, code: str) -> tuple[int, int] | None:
    """Lift a block now; return its id and clock version, or None when it is not in force."""
    row = await tx.fetchrow(
        "UPDATE block SET lifted_at = $3, clock_version = clock_version + 1"
        " WHERE patron_id = $1 AND code = $2 AND lifted_at IS NULL RETURNING block_id, clock_version",
        patron_id,
        code,
        tx.now,
    )
    return (row[0], row[1]) if row else None


async def save_standing(tx: Transaction, patron_id: int, agency: str, version: int, *, owes: bool) -> bool:
    """Keep where a patron stands; False when a newer standing is known, or the patron is not."""
    found = await tx.fetchval(
        "UPDATE patron SET balance_version = $3, owes = $4"
        " WHERE patron_id = $1 AND agency = $2 AND balance_version < $3 RETURNING patron_id",
        patron_id,
        agency,
        version,
        owes,
    )
    return found is not None


async def lock_for_disposal(tx: Transaction, agency: str, ids: Sequence[int]) -> list[tuple[OverdueRecord, int]]:
    """Lock blocks and their patrons, passing over those that are locked; return records and patron ids."""
    rows = await tx.fetch(
        "SELECT b.block_id, b.clock_version, b.lifted_at, b.patron_id FROM block b JOIN patron p USING (patron_id)"
        " WHERE b.block_id = ANY($1::bigint[]) AND b.agency = $2 FOR UPDATE SKIP LOCKED",
        list(ids),
        agency,
    )
    return [(OverdueRecord.model_construct(record_id=r[0], version=r[1], anchor=r[2]), r[3]) for r in rows]


async def present(tx: Transaction, agency: str, ids: Sequence[int]) -> list[OverdueRecord]:
    """Return the clocks of those blocks that exist, locked or not."""
    rows = await tx.fetch(
        "SELECT block_id, clock_version, lifted_at FROM block WHERE block_id = ANY($1::bigint[]) AND agency = $2",
        list(ids),
        agency,
    )
    return [OverdueRecord.model_construct(record_id=r[0], version=r[1], anchor=r[2]) for r in rows]


async def erase(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete blocks."""
    await tx.execute("DELETE FROM block WHERE block_id = ANY($1::bigint[])", list(ids))


async def overdue(database: Database, agency: str, cutoff: datetime, limit: int) -> list[OverdueRecord]:
    """Return lifted blocks past their period, oldest first."""
    rows = await database.fetch(
        "SELECT block_id, clock_version, lifted_at FROM block WHERE agency = $1 AND lifted_at <= $2"
        " ORDER BY lifted_at LIMIT $3",
        agency,
        cutoff,
        limit,
    )
    return [OverdueRecord(record_id=r[0], version=r[1], anchor=r[2]) for r in rows]
