"""The SQL of guardians."""

from collections.abc import Sequence
from datetime import date

from glem.database import Transaction
from glem.ids import new_id
from patron_api.guardians.rules import GuardianData


async def replace(
    tx: Transaction, agency: str, patron_id: int, guardian: GuardianData, as_patron_id: int | None, until: date
) -> int | None:
    """Store a child's guardian in place of the one before; return the old one's id. `until` is the 18th birthday."""
    old: int | None = await tx.fetchval("DELETE FROM guardian WHERE patron_id = $1 RETURNING guardian_id", patron_id)
    await tx.execute(
        "INSERT INTO guardian (guardian_id, agency, patron_id, as_patron_id, cpr, name, phone, email, consent_on, until_day)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new_id(),
        agency,
        patron_id,
        as_patron_id,
        guardian.cpr.reveal() if guardian.cpr else None,
        guardian.name,
        guardian.phone,
        guardian.email,
        guardian.consent_on,
        until,
    )
    return old


async def move_end(tx: Transaction, patron_id: int, until: date) -> None:
    """Write another 18th birthday, for a child whose CPR number was corrected."""
    await tx.execute("UPDATE guardian SET until_day = $2 WHERE patron_id = $1", patron_id, until)


async def erase_ended(tx: Transaction, agencies: Sequence[str], today: date, limit: int) -> dict[str, list[int]]:
    """Delete guardians of patrons who are 18 and owe nothing (R27, R28); return their ids by agency."""
    rows = await tx.fetch(
        "DELETE FROM guardian WHERE guardian_id IN (SELECT g.guardian_id FROM guardian g JOIN patron p USING (patron_id)"
        " WHERE g.agency = ANY($1::text[]) AND g.until_day <= $2 AND NOT p.owes LIMIT $3 FOR UPDATE SKIP LOCKED)"
        " RETURNING agency, guardian_id",
        agencies,
        today,
        limit,
    )
    erased: dict[str, list[int]] = {}
    for agency, guardian_id in rows:
        erased.setdefault(agency, []).append(guardian_id)
    return erased
