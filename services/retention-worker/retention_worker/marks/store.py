"""All SQL about marks."""

from collections.abc import Sequence

from glem.database import Database, Transaction
from glem_contracts.marks import KnownMark, Mark

# Lower than any version of an owner, and than the version -1 of a clock made for a legal hold.
FORGOTTEN = -2


async def find(database: Database, service: str) -> KnownMark | None:
    """Return the newest mark of a service."""
    row = await database.fetchrow("SELECT * FROM owner_mark WHERE service = $1", service)
    return None if row is None else KnownMark.model_validate(dict(row))


async def save(database: Database, service: str, mark: Mark) -> None:
    """Replace the mark of a service; of two processes on the same database, the mark with the later position counts."""
    await database.execute(
        """
        INSERT INTO owner_mark AS known
            (service, system_identifier, database_oid, outbox_oid, timeline, lsn, events, entry, told_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce((SELECT max(entry) FROM register), 0), now())
        ON CONFLICT (service) DO UPDATE SET system_identifier = excluded.system_identifier,
            database_oid = excluded.database_oid, outbox_oid = excluded.outbox_oid, timeline = excluded.timeline,
            lsn = excluded.lsn, events = excluded.events, entry = excluded.entry, told_at = excluded.told_at
        WHERE (known.system_identifier, known.database_oid, known.outbox_oid, known.timeline)
            IS DISTINCT FROM (excluded.system_identifier, excluded.database_oid, excluded.outbox_oid, excluded.timeline)
            OR known.lsn <= excluded.lsn
        """,
        service,
        mark.system_identifier,
        mark.database_oid,
        mark.outbox_oid,
        mark.timeline,
        mark.lsn,
        mark.events,
    )


async def forget_versions(tx: Transaction, record_classes: Sequence[str]) -> int:
    """Let the owner's next clock of each of these records count, whatever its version; return how many."""
    status = await tx.execute(
        "UPDATE clock SET version = $2, leased_until = NULL, not_before = NULL"
        " WHERE record_class = ANY($1::text[]) AND version > $2",
        record_classes,
        FORGOTTEN,
    )
    return int(status.split()[-1])
