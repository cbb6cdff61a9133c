"""The SQL of notes."""

from glem.database import Transaction
from glem.ids import new_id
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
