"""All SQL about the register."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from glem.database import Database, Transaction


async def complete(
    tx: Transaction,
    *,
    agency: str,
    record_class: str,
    record_ids: Sequence[int],
    outcome: str,
    policy_version: int,
    period: timedelta,
    done_at: datetime,
) -> list[timedelta]:
    """Enter records that are gone and drop their clocks, in one statement; return how late each new entry was.

    A record that is entered already is passed over. The lock keeps a sweep and the owner's event about the same records
    from waiting for each other crosswise.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{agency}/{record_class}")
    rows = await tx.fetch(
        """
        WITH known AS (
            DELETE FROM clock WHERE record_class = $2 AND record_id = ANY($3::bigint[]) RETURNING record_id, anchor
        )
        INSERT INTO register (agency, record_class, record_id, outcome, policy_version, anchor, due_at, done_at)
        SELECT $1, $2, n.record_id, $4, $5, known.anchor, known.anchor + $6::interval, $7
        FROM unnest($3::bigint[]) AS n (record_id) LEFT JOIN known USING (record_id)
        ON CONFLICT (record_class, record_id) DO NOTHING
        RETURNING done_at - due_at AS late
        """,
        agency,
        record_class,
        record_ids,
        outcome,
        policy_version,
        period,
        done_at,
    )
    return [row["late"] for row in rows if row["late"] is not None]


async def page(database: Database, agency: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Return entries past number `after`, in order; of one agency, or of all when it is None."""
    rows = await database.fetch(
        "SELECT * FROM register WHERE entry > $1 AND ($2::text IS NULL OR agency = $2) ORDER BY entry LIMIT $3",
        after,
        agency,
        limit,
    )
    return [dict(row) for row in rows]


async def totals(database: Database) -> list[dict[str, Any]]:
    """Return how many records of each agency and class have gone, by outcome, and the latest of them."""
    rows = await database.fetch(
        """
        SELECT agency, record_class, outcome, count(*) AS records, max(done_at - due_at) AS latest
        FROM register GROUP BY agency, record_class, outcome ORDER BY agency, record_class, outcome
        """
    )
    return [dict(row) for row in rows]
