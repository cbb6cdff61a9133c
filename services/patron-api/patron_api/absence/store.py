"""The SQL of absences."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem.ids import new_id
from glem_contracts.disposals import OverdueRecord
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


async def lock_for_disposal(tx: Transaction, agency: str, ids: Sequence[int]) -> list[tuple[OverdueRecord, int]]:
    """Lock absences and their patrons, passing over those that are locked; return records and patron ids."""
    rows = await tx.fetch(
        "SELECT a.absence_id, a.clock_version, a.anchor, a.patron_id FROM absence a JOIN patron p USING (patron_id)"
        " WHERE a.absence_id = ANY($1::bigint[]) AND a.agency = $2 FOR UPDATE SKIP LOCKED",
        list(ids),
        agency,
    )
    return [(OverdueRecord.model_construct(record_id=r[0], version=r[1], anchor=r[2]), r[3]) for r in rows]


async def present(tx: Transaction, agency: str, ids: Sequence[int]) -> list[OverdueRecord]:
    """Return the clocks of those absences that exist, locked or not."""
    rows = await tx.fetch(
        "SELECT absence_id, clock_version, anchor FROM absence WHERE absence_id = ANY($1::bigint[]) AND agency = $2",
        list(ids),
        agency,
    )
    return [OverdueRecord.model_construct(record_id=r[0], version=r[1], anchor=r[2]) for r in rows]


async def erase(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete absences."""
    await tx.execute("DELETE FROM absence WHERE absence_id = ANY($1::bigint[])", list(ids))


async def overdue(database: Database, agency: str, cutoff: datetime, limit: int) -> list[OverdueRecord]:
    """Return absences past their period, read from their last day rather than from the stored anchor."""
    rows = await database.fetch(
        "SELECT absence_id, clock_version, ended FROM (SELECT absence_id, clock_version,"
        " ((until_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen') AS ended FROM absence"
        " WHERE agency = $1 AND until_day IS NOT NULL) a WHERE ended <= $2 ORDER BY ended LIMIT $3",
        agency,
        cutoff,
        limit,
    )
    return [OverdueRecord(record_id=r[0], version=r[1], anchor=r[2]) for r in rows]
