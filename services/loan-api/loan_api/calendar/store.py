"""All SQL of the calendar: a set of loans at a time, and each statement marks what it tells, so that nothing is told twice.

A loan whose return is claimed is not reminded of while staff looks for the item (H21).
"""

from collections.abc import Sequence
from datetime import date

import asyncpg

from glem.database import Transaction

DUE_SOON = """
WITH told AS (
    UPDATE loan SET due_soon_told = loan.due_on
    FROM (
        SELECT DISTINCT loan.patron_id, loan.due_on FROM loan JOIN borrower USING (patron_id)
        WHERE loan.agency = $1 AND returned_at IS NULL AND claimed_at IS NULL AND due_on BETWEEN $2 AND $3
            AND due_soon_told IS DISTINCT FROM due_on AND patron_group = ANY($4::text[]) AND NOT erased
        ORDER BY due_on, patron_id LIMIT $5
    ) soon
    WHERE loan.patron_id = soon.patron_id AND loan.due_on = soon.due_on AND loan.agency = $1
        AND loan.returned_at IS NULL AND loan.claimed_at IS NULL AND loan.due_soon_told IS DISTINCT FROM loan.due_on
    RETURNING loan.loan_id, loan.patron_id, loan.due_on
)
SELECT patron_id, due_on, array_agg(loan_id ORDER BY loan_id) AS loan_ids FROM told GROUP BY patron_id, due_on
"""
OVERDUE = """
WITH told AS (
    UPDATE loan SET reminders = late.reminder
    FROM (
        SELECT DISTINCT patron_id, due_on, reminder FROM (
            SELECT loan.patron_id, due_on, reminders,
                (SELECT count(*) FROM unnest($3::int[]) AS day WHERE due_on + day <= $2) AS reminder
            FROM loan JOIN borrower USING (patron_id)
            WHERE loan.agency = $1 AND returned_at IS NULL AND claimed_at IS NULL AND due_on < $2
                AND patron_group = ANY($4::text[]) AND NOT erased
        ) counted WHERE reminder > reminders
        ORDER BY due_on, patron_id LIMIT $5
    ) late
    WHERE loan.patron_id = late.patron_id AND loan.due_on = late.due_on AND loan.agency = $1
        AND loan.returned_at IS NULL AND loan.claimed_at IS NULL AND loan.reminders < late.reminder
    RETURNING loan.loan_id, loan.patron_id, loan.due_on, loan.reminders
)
SELECT patron_id, due_on, reminders, array_agg(loan_id ORDER BY loan_id) AS loan_ids
FROM told GROUP BY patron_id, due_on, reminders
"""


async def tell_due_soon(
    tx: Transaction, agency: str, today: date, until: date, groups: Sequence[str], limit: int
) -> list[asyncpg.Record]:
    """Mark the loans of at most `limit` patrons and dates that fall due from `today` to `until`; return them grouped."""
    return await tx.fetch(DUE_SOON, agency, today, until, groups, limit)


async def tell_overdue(
    tx: Transaction, agency: str, today: date, days: Sequence[int], groups: Sequence[str], limit: int
) -> list[asyncpg.Record]:
    """Mark overdue loans with the latest reminder whose day has come; return them by patron, due date and reminder."""
    return await tx.fetch(OVERDUE, agency, today, days, groups, limit)
