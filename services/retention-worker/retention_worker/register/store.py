"""All SQL about the register."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict

from glem.database import Database, Transaction, columns_of
from glem_retention.policies import PolicyTerms, reaches

RECEIPT_DOMAIN = b"glem-receipt-v1"


class Entered(TypedDict):
    """One new entry: how late it was (none for what goes at once), whether a legal hold was on it, its commitment in the log."""

    late: timedelta | None
    held: bool
    commitment: bytes


async def complete(
    tx: Transaction,
    *,
    agency: str,
    record_class: str,
    record_ids: Sequence[int],
    outcome: str,
    policy_version: int,
    terms: Sequence[PolicyTerms],
    done_at: datetime,
) -> list[Entered]:
    """Enter records that are gone and drop their clocks with their salts, in one statement; return the new entries.

    A record that is entered already is passed over. A salt never leaves the database; for a record without one, the commitment
    is of a salt that nobody ever knew. When a record was due is computed as by `policies.due_at`. How many fell due on each day is
    counted, for the breaker. The lock keeps a sweep and the owner's event about the same records from waiting for
    each other crosswise.
    """
    await lock(tx, agency, record_class)
    periods, since, until = columns_of(reaches(terms), 3)
    rows = await tx.fetch(
        """
        WITH known AS (
            DELETE FROM clock WHERE record_class = $2 AND record_id = ANY($3::bigint[])
            RETURNING record_id, anchor, salt, held_until
        ), entered AS (
            INSERT INTO register (agency, record_class, record_id, outcome, policy_version, anchor, due_at, done_at)
            SELECT $1, $2, n.record_id, $4, $5, known.anchor, CASE WHEN known.anchor IS NOT NULL THEN (
                SELECT min(greatest(reach.since, known.anchor + reach.period))
                FROM unnest($6::interval[], $9::timestamptz[], $10::timestamptz[]) AS reach (period, since, until)
                WHERE reach.until IS NULL OR known.anchor < reach.until
            ) END, $7
            FROM unnest($3::bigint[]) AS n (record_id) LEFT JOIN known USING (record_id)
            ON CONFLICT (record_class, record_id) DO NOTHING
            RETURNING record_id, done_at - due_at AS late, due_at
        ), counted AS (
            INSERT INTO due_day (agency, record_class, day, records)
            SELECT $1, $2, (due_at AT TIME ZONE 'UTC')::date AS day, count(*) FROM entered
            WHERE due_at IS NOT NULL GROUP BY 3
            ON CONFLICT (agency, record_class, day) DO UPDATE SET records = due_day.records + excluded.records
        )
        SELECT entered.late, known.held_until > $7 IS TRUE AS held, sha256(
            $8::bytea || coalesce(known.salt, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())))
            || convert_to($2 || '/' || entered.record_id, 'UTF8')
        ) AS commitment
        FROM entered LEFT JOIN known USING (record_id)
        """,
        agency,
        record_class,
        record_ids,
        outcome,
        policy_version,
        periods,
        done_at,
        RECEIPT_DOMAIN,
        since,
        until,
    )
    return [Entered(late=row["late"], held=row["held"], commitment=row["commitment"]) for row in rows]


async def lock(tx: Transaction, agency: str, record_class: str) -> None:
    """Take the lock of an agency's records of one class, for this transaction."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{agency}/{record_class}")


async def page(
    database: Database, agency: str | None, after: int, limit: int, record_classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return entries past number `after`, in order; of one agency, or of all when it is None; of some classes, or all."""
    rows = await database.fetch(
        "SELECT * FROM register WHERE entry > $1 AND ($2::text IS NULL OR agency = $2)"
        " AND ($4::text[] = '{}' OR record_class = ANY($4)) ORDER BY entry LIMIT $3",
        after,
        agency,
        limit,
        record_classes,
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
