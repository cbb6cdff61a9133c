"""All SQL about homebound lists."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import asyncpg

from glem.database import Database, Transaction, columns_of
from glem_contracts.events.envelope import RecordClock
from loan_api.base import Reader

ENTER = """
INSERT INTO homebound_work AS known (entry_id, agency, patron_id, work_id, month, anchor, clock_version)
SELECT entry_id, $5, patron_id, work_id, $2, $3, 1
FROM unnest($1::bigint[], $4::bigint[], $6::text[]) AS news (entry_id, patron_id, work_id) ORDER BY patron_id, work_id
ON CONFLICT (patron_id, work_id) DO UPDATE
    SET month = excluded.month, anchor = excluded.anchor, clock_version = known.clock_version + 1
    WHERE known.month < excluded.month
RETURNING entry_id, clock_version, anchor
"""


async def remembered(tx: Transaction, due: Mapping[int, datetime]) -> Mapping[int, tuple[int, str]]:
    """Return (patron_id, work_id) of those locked loans (id to when it fell due) whose patron had consented by then.

    The consents are locked: one that ends now ends after these works have entered, and takes them with it, or before (H31).
    """
    records = await tx.fetch(
        """SELECT loan.loan_id, loan.patron_id, loan.work_id
        FROM unnest($1::bigint[], $2::timestamptz[]) AS due (loan_id, due_at)
        JOIN loan ON loan.loan_id = due.loan_id JOIN homebound_consent consent ON consent.patron_id = loan.patron_id
        WHERE consent.in_force AND consent.since <= due.due_at
        ORDER BY loan.patron_id FOR SHARE OF consent""",
        list(due),
        list(due.values()),
    )
    return {record["loan_id"]: (record["patron_id"], record["work_id"]) for record in records}


async def enter(
    tx: Transaction, agency: str, works: Sequence[tuple[int, int, str]], month: date, anchor: datetime
) -> list[RecordClock]:
    """Write works (a new id, patron, work), each pair once; one that was on the list gets the newer month. Return the clocks."""
    ids, patrons, work_ids = columns_of(works, 3)
    return [
        RecordClock(
            record_class="homebound-work",
            record_id=record["entry_id"],
            version=record["clock_version"],
            anchor=record["anchor"],
        )
        for record in await tx.fetch(ENTER, ids, month, anchor, patrons, agency, work_ids)
    ]


async def extent_of(database: Database, agency: str, cutoff: datetime | None) -> asyncpg.Record:
    """Return (patrons, works, oldest month) of the agency's lists; what is due is not counted."""
    [row] = await database.fetch(
        """SELECT count(DISTINCT patron_id) AS patrons, count(*) AS works, min(month) AS oldest FROM homebound_work
        WHERE agency = $1 AND ($2::timestamptz IS NULL OR anchor > $2)""",
        agency,
        cutoff,
    )
    return row


async def lock_living(tx: Transaction, patron_ids: Sequence[int]) -> set[int]:
    """Keep these patrons from being erased until the transaction ends; return those who are not erased already.

    One whom lending has not met is among them. All are locked before any consent is, so that nobody waits crosswise.
    """
    records = await tx.fetch(
        "SELECT patron_id, erased FROM borrower WHERE patron_id = ANY($1::bigint[]) ORDER BY patron_id FOR SHARE",
        sorted(patron_ids),
    )
    return set(patron_ids) - {record["patron_id"] for record in records if record["erased"]}


async def give(tx: Transaction, patron_id: int, agency: str, version: int, since: datetime) -> None:
    """Note that a consent is in force; an older one than is known changes nothing."""
    await tx.execute(
        """INSERT INTO homebound_consent AS known (patron_id, agency, version, ended_version, in_force, since)
        VALUES ($1, $2, $3, 0, true, $4)
        ON CONFLICT (patron_id) DO UPDATE SET version = excluded.version, in_force = true, since = excluded.since
        WHERE known.version < excluded.version""",
        patron_id,
        agency,
        version,
        since,
    )


async def end(tx: Transaction, patron_id: int, agency: str, version: int) -> bool:
    """Note that a consent has ended; False when that, or a later end, was noted before."""
    found = await tx.fetchval(
        """INSERT INTO homebound_consent AS known (patron_id, agency, version, ended_version, in_force)
        VALUES ($1, $2, $3, $3, false)
        ON CONFLICT (patron_id) DO UPDATE SET version = greatest(known.version, excluded.version),
            ended_version = excluded.ended_version, in_force = known.in_force AND known.version > excluded.version,
            since = CASE WHEN known.version > excluded.version THEN known.since END
        WHERE known.ended_version < excluded.ended_version RETURNING patron_id""",
        patron_id,
        agency,
        version,
    )
    return found is not None


async def delete_list(tx: Transaction, patron_id: int) -> list[int]:
    """Delete a patron's list; return the entries' ids."""
    records = await tx.fetch("DELETE FROM homebound_work WHERE patron_id = $1 RETURNING entry_id", patron_id)
    return [record["entry_id"] for record in records]


async def delete_consent(tx: Transaction, patron_id: int) -> None:
    """Forget whether a patron ever consented; waits for what enters a work just now."""
    await tx.execute("DELETE FROM homebound_consent WHERE patron_id = $1", patron_id)


async def has_had(reader: Reader, patron_id: int, work_id: str, cutoff: datetime | None) -> bool:
    """Say whether a work is on a patron's list and not due."""
    found: bool = await reader.fetchval(
        """SELECT EXISTS (SELECT FROM homebound_work WHERE patron_id = $1 AND work_id = $2
            AND ($3::timestamptz IS NULL OR anchor > $3))""",
        patron_id,
        work_id,
        cutoff,
    )
    return found


async def of_patron(reader: Reader, patron_id: int, cutoff: datetime | None) -> list[asyncpg.Record]:
    """Return the works of a patron's list that are not due, with their titles."""
    return await reader.fetch(
        """SELECT work_id, coalesce(title, '') AS title, coalesce(creator, '') AS creator, month
        FROM homebound_work LEFT JOIN work USING (agency, work_id)
        WHERE patron_id = $1 AND ($2::timestamptz IS NULL OR anchor > $2) ORDER BY title, work_id""",
        patron_id,
        cutoff,
    )
