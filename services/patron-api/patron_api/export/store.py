"""The SQL of exports: leave to take one."""

from datetime import datetime

import asyncpg

from glem.database import Transaction
from patron_api.export.tables import EXPORT_REQUESTS


async def count_recent(tx: Transaction, patron_id: int, since: datetime) -> int:
    """Count a patron's requests since a time."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM export_request WHERE patron_id = $1 AND asked_at > $2", patron_id, since
    )
    return count


async def lock(tx: Transaction, patron_id: int, export_id: int, cutoff: datetime) -> asyncpg.Record | None:
    """Read and lock a request that is not due by `cutoff`."""
    return await tx.fetchrow(
        "SELECT agency, asked_by, reason, downloads FROM export_request"  # noqa: S608  a declaration
        f" WHERE patron_id = $1 AND export_id = $2 AND {EXPORT_REQUESTS.visible('$3')} FOR UPDATE",
        patron_id,
        export_id,
        cutoff,
    )


async def count_download(tx: Transaction, export_id: int) -> None:
    """Count a download."""
    await tx.execute("UPDATE export_request SET downloads = downloads + 1 WHERE export_id = $1", export_id)
