"""The SQL of blocks."""

from glem.database import Transaction
from glem.ids import new_id


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
