"""All SQL about collection: it is a mark in the debt's own row."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from glem.database import Transaction
from loan_api.base import Reader


async def mark(tx: Transaction, debt_id: int, at: datetime) -> None:
    """Note since when the debt is with the collector; a debt that is there already stays as it is."""
    await tx.execute(
        "UPDATE debt SET in_collection_since = coalesce(in_collection_since, $2) WHERE debt_id = $1", debt_id, at
    )


async def find(reader: Reader, debt_id: int) -> asyncpg.Record | None:
    """Return a debt that has been sent to the collector."""
    return await reader.fetchrow("SELECT * FROM debt WHERE debt_id = $1 AND in_collection_since IS NOT NULL", debt_id)


async def raised_before(reader: Reader, agency: str, moment: datetime, limit: int) -> Sequence[asyncpg.Record]:
    """Return the agency's open debts in collection that were raised before `moment`, oldest first."""
    return await reader.fetch(
        """SELECT * FROM debt WHERE agency = $1 AND in_collection_since IS NOT NULL AND settled_at IS NULL AND raised_at < $2
        ORDER BY raised_at, debt_id LIMIT $3""",
        agency,
        moment,
        limit,
    )
