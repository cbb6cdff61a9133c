"""The SQL of exports: leave to take one, and the log of staff who did."""

from datetime import datetime, timedelta

import asyncpg

from glem.database import Transaction
from glem.ids import new_id


async def count_recent(tx: Transaction, patron_id: int, since: datetime) -> int:
    """Count a patron's requests since a time."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM export_request WHERE patron_id = $1 AND asked_at > $2", patron_id, since
    )
    return count


async def ask(
    tx: Transaction, agency: str, patron_id: int, asked_by: str, reason: str | None, lifetime: timedelta
) -> asyncpg.Record:
    """Store a request; return (export_id, expires_at)."""
    [row] = await tx.fetch(
        "INSERT INTO export_request (export_id, agency, patron_id, asked_by, reason, asked_at, expires_at, downloads)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 0) RETURNING export_id, expires_at",
        new_id(),
        agency,
        patron_id,
        asked_by,
        reason,
        tx.now,
        tx.now + lifetime,
    )
    return row


async def lock(tx: Transaction, patron_id: int, export_id: int) -> asyncpg.Record | None:
    """Read and lock a request that has not expired."""
    return await tx.fetchrow(
        "SELECT agency, asked_by, reason, downloads FROM export_request"
        " WHERE patron_id = $1 AND export_id = $2 AND expires_at > $3 FOR UPDATE",
        patron_id,
        export_id,
        tx.now,
    )


async def count_download(tx: Transaction, export_id: int) -> None:
    """Count a download."""
    await tx.execute("UPDATE export_request SET downloads = downloads + 1 WHERE export_id = $1", export_id)


async def log_access(tx: Transaction, agency: str, patron_id: int, staff: str, reason: str) -> int:
    """Write that staff took a patron's data out (R84); return the id of the line."""
    entry_id = new_id()
    await tx.execute(
        "INSERT INTO access_log (entry_id, agency, patron_id, staff, reason, at) VALUES ($1, $2, $3, $4, $5, $6)",
        entry_id,
        agency,
        patron_id,
        staff,
        reason,
        tx.now,
    )
    return entry_id


async def forget_requests(tx: Transaction) -> list[asyncpg.Record]:
    """Delete expired requests; return (agency, record_id)."""
    return await tx.fetch(
        "DELETE FROM export_request WHERE expires_at <= $1 RETURNING agency, export_id AS record_id", tx.now
    )
