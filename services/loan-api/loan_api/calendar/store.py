"""All SQL of the calendar: a set of loans at a time, and each statement marks what it tells, so that nothing is told twice.

A loan whose return is claimed is not reminded of while staff looks for the item (H21).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import asyncpg

from glem.database import Database, Transaction

WARNED = """
FROM loan
WHERE agency = $1 AND returned_at IS NULL AND claimed_at IS NULL AND due_on BETWEEN $2 AND $3
    AND due_soon_told IS DISTINCT FROM due_on
    AND EXISTS (
        SELECT FROM borrower WHERE borrower.patron_id = loan.patron_id AND patron_group = ANY($4::text[]) AND NOT erased
    )
"""
REMINDED = """
FROM loan
CROSS JOIN LATERAL (SELECT count(*) AS reminder FROM unnest($5::int[]) AS day WHERE due_on + day <= $2) told
WHERE agency = $1 AND returned_at IS NULL AND claimed_at IS NULL AND due_on < $2
    AND reminders < cardinality($5::int[]) AND reminders < reminder
    AND EXISTS (
        SELECT FROM borrower WHERE borrower.patron_id = loan.patron_id AND patron_group = ANY($4::text[]) AND NOT erased
    )
"""
LOOK = f"SELECT EXISTS (SELECT {WARNED}) AS soon, EXISTS (SELECT {REMINDED}) AS late"
# A patron's loans of one date are told of together, so a limit cuts between patrons (WITH TIES). The loans are found first and
# marked by their keys: joined any other way, the mark costs as much as all open loans, where PostgreSQL knows too little of them.
TELL_SOON = f"""
WITH soon AS MATERIALIZED (
    SELECT loan_id {WARNED} ORDER BY due_on, patron_id FETCH FIRST $5 ROWS WITH TIES
), told AS (
    UPDATE loan SET due_soon_told = loan.due_on
    FROM soon WHERE loan.loan_id = soon.loan_id AND loan.due_on BETWEEN $2 AND $3
        AND loan.returned_at IS NULL AND loan.claimed_at IS NULL AND loan.due_soon_told IS DISTINCT FROM loan.due_on
    RETURNING loan.loan_id, loan.patron_id, loan.due_on
)
SELECT patron_id, due_on, array_agg(loan_id ORDER BY loan_id) AS loan_ids FROM told GROUP BY patron_id, due_on
"""  # noqa: S608  of a text above
TELL_LATE = f"""
WITH late AS MATERIALIZED (
    SELECT loan_id, due_on, reminder {REMINDED} ORDER BY due_on, patron_id FETCH FIRST $3 ROWS WITH TIES
), told AS (
    UPDATE loan SET reminders = late.reminder
    FROM late WHERE loan.loan_id = late.loan_id AND loan.due_on = late.due_on
        AND loan.returned_at IS NULL AND loan.claimed_at IS NULL AND loan.reminders < late.reminder
    RETURNING loan.loan_id, loan.patron_id, loan.due_on, loan.reminders
)
SELECT patron_id, due_on, reminders, array_agg(loan_id ORDER BY loan_id) AS loan_ids
FROM told GROUP BY patron_id, due_on, reminders
"""  # noqa: S608  of a text above


@dataclass(frozen=True, slots=True)
class Reminding:
    """Whom an agency reminds: of what falls due from `today` to `until`, and on which days after the due date."""

    agency: str
    today: date
    until: date
    groups: Sequence[str]
    days: Sequence[int]


class Look(NamedTuple):
    """Whether there is something to tell."""

    soon: bool
    late: bool


async def look(database: Database, agency: Reminding) -> Look:
    """Say whether there is something to tell: mostly there is not."""
    [row] = await database.fetch(LOOK, agency.agency, agency.today, agency.until, agency.groups, agency.days)
    return Look(row["soon"], row["late"])


async def tell_due_soon(tx: Transaction, agency: Reminding, limit: int) -> list[asyncpg.Record]:
    """Mark about `limit` loans that fall due soon, a patron's of one date together; return them so grouped."""
    return await tx.fetch(TELL_SOON, agency.agency, agency.today, agency.until, agency.groups, limit)


async def tell_overdue(tx: Transaction, agency: Reminding, limit: int) -> list[asyncpg.Record]:
    """Mark about `limit` overdue loans with the latest reminder whose day has come; return them by patron, due date and reminder."""
    return await tx.fetch(TELL_LATE, agency.agency, agency.today, limit, agency.groups, agency.days)
