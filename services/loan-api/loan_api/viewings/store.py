"""All SQL about viewings."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from glem.database import Transaction
from loan_api.base import Reader
from loan_api.viewings.tables import Viewing

WRITE = """
WITH seen AS (
    INSERT INTO viewing (viewing_id, agency, staff, patron_id, at, reason) VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO viewed_loan (viewing_id, loan_id, agency)
SELECT $1, loan_id, $2 FROM loan WHERE loan_id = ANY($7::bigint[]) FOR KEY SHARE
"""
PAGE = """
SELECT viewing.*, ARRAY(
    SELECT loan_id FROM viewed_loan JOIN loan USING (loan_id) WHERE viewed_loan.viewing_id = viewing.viewing_id
        AND (anchor IS NULL OR $4::timestamptz IS NULL OR anchor > $4) ORDER BY loan_id) AS loan_ids
FROM viewing WHERE agency = $1 AND ($2::bigint IS NULL OR patron_id = $2) AND at > $3
ORDER BY at DESC, viewing_id LIMIT $5
"""


async def write(tx: Transaction, viewing: Viewing, loan_ids: Sequence[int]) -> None:
    """Write a viewing of those of the loans that are still there; locked, so that none is erased and leaves its mark here."""
    await tx.execute(
        WRITE,
        viewing.viewing_id,
        viewing.agency,
        viewing.staff,
        viewing.patron_id,
        viewing.at,
        viewing.reason,
        loan_ids,
    )


async def patrons_viewed(tx: Transaction, agency: str, staff: str, since: datetime) -> int:
    """Return of how many patrons one member of staff has looked at ended loans since then."""
    found: int = await tx.fetchval(
        "SELECT count(DISTINCT patron_id) FROM viewing WHERE agency = $1 AND staff = $2 AND at > $3",
        agency,
        staff,
        since,
    )
    return found


async def page(
    reader: Reader, agency: str, patron_id: int | None, *, since: datetime, due: datetime | None, limit: int
) -> list[asyncpg.Record]:
    """Return viewings after `since`, newest first, with their loans that are not due at `due`."""
    return await reader.fetch(PAGE, agency, patron_id, since, due, limit)


async def unlink(tx: Transaction, loan_ids: Sequence[int]) -> None:
    """Take away what leads from viewings to loans that go."""
    await tx.execute("DELETE FROM viewed_loan WHERE loan_id = ANY($1::bigint[])", loan_ids)


async def forget(tx: Transaction, agency: str, until: datetime, limit: int) -> list[int]:
    """Delete viewings at or before `until`; return their ids."""
    return await _delete(
        tx, "SELECT viewing_id FROM viewing WHERE agency = $1 AND at <= $2 ORDER BY at LIMIT $3", agency, until, limit
    )


async def forget_patron(tx: Transaction, patron_id: int) -> list[int]:
    """Delete the viewings of a patron who goes; return their ids."""
    return await _delete(tx, "SELECT viewing_id FROM viewing WHERE patron_id = $1", patron_id)


async def _delete(tx: Transaction, which: str, *values: object) -> list[int]:
    rows = await tx.fetch(
        f"""WITH links AS (DELETE FROM viewed_loan WHERE viewing_id IN ({which}))
        DELETE FROM viewing WHERE viewing_id IN ({which}) RETURNING viewing_id""",  # noqa: S608  constants of this module
        *values,
    )
    return [row["viewing_id"] for row in rows]
