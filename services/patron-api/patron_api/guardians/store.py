"""The SQL of guardians."""

from datetime import date, datetime

import asyncpg

from glem.database import Transaction
from glem.ids import new_id
from patron_api.guardians.rules import GuardianData
from patron_api.guardians.tables import BEGINS, GUARDIANS

INSERT = """
INSERT INTO guardian (guardian_id, agency, patron_id, as_patron_id, cpr, name, phone, email, consent_on, until_day, anchor,
    clock_version)
SELECT $1, $2, patron_id, $4, $5, $6, $7, $8, $9, $10, CASE WHEN NOT owes THEN $11::timestamptz END, 1
FROM patron WHERE patron_id = $3
RETURNING guardian_id, clock_version, anchor
"""
MOVE_END = f"""
UPDATE guardian SET until_day = $2, clock_version = clock_version + 1,
    anchor = CASE WHEN anchor IS NOT NULL THEN greatest($3::timestamptz, cleared_at) END
WHERE patron_id = $1 AND until_day <> $2 AND {GUARDIANS.visible("$4")}
RETURNING guardian_id, clock_version, anchor
"""  # noqa: S608  a declaration
HOLD = f"""
UPDATE guardian SET anchor = NULL, cleared_at = NULL, clock_version = clock_version + 1
WHERE patron_id = $1 AND anchor IS NOT NULL AND {GUARDIANS.visible("$2")}
RETURNING guardian_id, clock_version, anchor
"""  # noqa: S608  a declaration
LET_GO = f"""
UPDATE guardian SET anchor = {BEGINS.replace("cleared_at", "$2::timestamptz")}, cleared_at = $2,
    clock_version = clock_version + 1
WHERE patron_id = $1 AND anchor IS NULL
RETURNING guardian_id, clock_version, anchor
"""  # noqa: S608  a declaration


async def replace(
    tx: Transaction,
    agency: str,
    patron_id: int,
    guardian: GuardianData,
    as_patron_id: int | None,
    *,
    until: date,
    anchor: datetime,
) -> tuple[int | None, asyncpg.Record]:
    """Store a child's guardian in place of the one before; return the old one's id and the new one's clock.

    `until` is the 18th birthday, `anchor` its start; while the child owes, the clock has none.
    """
    old: int | None = await tx.fetchval("DELETE FROM guardian WHERE patron_id = $1 RETURNING guardian_id", patron_id)
    [clock] = await tx.fetch(
        INSERT,
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
        anchor,
    )
    return old, clock


async def move_end(
    tx: Transaction, patron_id: int, until: date, anchor: datetime, cutoff: datetime
) -> asyncpg.Record | None:
    """Write another 18th birthday, of a child whose CPR number was corrected; return the clock, None when nothing moved."""
    return await tx.fetchrow(MOVE_END, patron_id, until, anchor, cutoff)


async def hold(tx: Transaction, patron_id: int, cutoff: datetime) -> asyncpg.Record | None:
    """Hold the guardian of a child who owes, unless it is due by `cutoff`; return the clock, None when nothing moved."""
    return await tx.fetchrow(HOLD, patron_id, cutoff)


async def let_go(tx: Transaction, patron_id: int) -> asyncpg.Record | None:
    """Let the period run of the guardian of a child who owes nothing more; return the clock, None when nothing moved."""
    return await tx.fetchrow(LET_GO, patron_id, tx.now)
