"""The SQL of notes."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem.ids import new_id
from glem_contracts.disposals import OverdueRecord
from patron_api.notes.rules import Kind


async def replace(
    tx: Transaction, agency: str, patron_id: int, kind: Kind, content: str | None, by: str
) -> tuple[int | None, int | None]:
    """Delete the note of a kind and store `content` in its place; return the old id and the new one."""
    old = await tx.fetchval("DELETE FROM note WHERE patron_id = $1 AND kind = $2 RETURNING note_id", patron_id, kind)
    if content is None:
        return old, None
    new = new_id()
    await tx.execute(
        "INSERT INTO note (note_id, agency, patron_id, kind, content, written_at, written_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new,
        agency,
        patron_id,
        kind,
        content,
        tx.now,
        by,
    )
    return old, new


async def lock_for_disposal(
    tx: Transaction, agency: str, ids: Sequence[int], kind: Kind
) -> list[tuple[OverdueRecord, int]]:
    """Lock notes and their patrons, passing over those that are locked; return records and patron ids."""
    rows = await tx.fetch(
        "SELECT n.note_id, n.written_at, n.patron_id FROM note n JOIN patron p USING (patron_id)"
        " WHERE n.note_id = ANY($1::bigint[]) AND n.agency = $2 AND n.kind = $3 FOR UPDATE SKIP LOCKED",
        list(ids),
        agency,
        kind,
    )
    return [(OverdueRecord(record_id=r[0], version=1, anchor=r[1]), r[2]) for r in rows]


async def present(tx: Transaction, agency: str, ids: Sequence[int], kind: Kind) -> list[OverdueRecord]:
    """Return the clocks of those notes that exist, locked or not."""
    rows = await tx.fetch(
        "SELECT note_id, written_at FROM note WHERE note_id = ANY($1::bigint[]) AND agency = $2 AND kind = $3",
        list(ids),
        agency,
        kind,
    )
    return [OverdueRecord(record_id=r[0], version=1, anchor=r[1]) for r in rows]


async def erase(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete notes."""
    await tx.execute("DELETE FROM note WHERE note_id = ANY($1::bigint[])", list(ids))


async def overdue(database: Database, agency: str, cutoff: datetime, limit: int, kind: Kind) -> list[OverdueRecord]:
    """Return notes past their period, oldest first."""
    rows = await database.fetch(
        "SELECT note_id, written_at FROM note WHERE agency = $1 AND kind = $4 AND written_at <= $2"
        " ORDER BY written_at LIMIT $3",
        agency,
        cutoff,
        limit,
        kind,
    )
    return [OverdueRecord(record_id=r[0], version=1, anchor=r[1]) for r in rows]
