"""All SQL about viewings."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from glem.database import Transaction
from loan_api.base import Reader
from loan_api.viewings.tables import VIEWINGS, Viewing

WRITE = """
WITH seen AS (
    INSERT INTO viewing (viewing_id, agency, staff, patron_id, at, reason) VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO viewed_loan (viewing_id, loan_id, agency)
SELECT $1, loan_id, $2 FROM loan WHERE loan_id = ANY($7::bigint[]) FOR KEY SHARE
"""
PAGE = f"""
SELECT viewing.*, ARRAY(
    SELECT loan_id FROM viewed_loan JOIN loan USING (loan_id) WHERE viewed_loan.viewing_id = viewing.viewing_id
        AND (anchor IS NULL OR $4::timestamptz IS NULL OR anchor > $4) ORDER BY loan_id) AS loan_ids
FROM viewing WHERE agency = $1 AND ($2::bigint IS NULL OR patron_id = $2) AND {VIEWINGS.visible("$3")}
ORDER BY at DESC, viewing_id LIMIT $5
"""  # noqa: S608  a declaration


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
    reader: Reader,
    agency: str,
    patron_id: int | None,
    *,
    cutoff: datetime | None,
    loan_cutoff: datetime | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Return viewings that are not due by `cutoff`, newest first, each with its loans that are not due by `loan_cutoff`."""
    return await reader.fetch(PAGE, agency, patron_id, cutoff, loan_cutoff, limit)


async def unlink(tx: Transaction, loan_ids: Sequence[int]) -> None:
    """Take away what leads from viewings to loans that go."""
    await tx.execute("DELETE FROM viewed_loan WHERE loan_id = ANY($1::bigint[])", loan_ids)
