"""The SQL of absences."""

from glem.database import Transaction
from glem.ids import new_id
from patron_api.absence.rules import Period


async def replace(tx: Transaction, agency: str, patron_id: int, period: Period | None) -> tuple[int | None, int | None]:
    """Delete a patron's absence and store `period` in its place; return the old id and the new one."""
    old = await tx.fetchval("DELETE FROM absence WHERE patron_id = $1 RETURNING absence_id", patron_id)
    if period is None:
        return old, None
    new = new_id()
    await tx.execute(
        "INSERT INTO absence (absence_id, agency, patron_id, from_day, until_day, anchor, clock_version)"
        " VALUES ($1, $2, $3, $4, $5, $6, 1)",
        new,
        agency,
        patron_id,
        period.from_day,
        period.until_day,
        period.anchor,
    )
    return old, new
