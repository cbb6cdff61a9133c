"""The SQL of what other services ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from glem.database import Database

LOANS = """
SELECT loan_id, patron_id, title, creator, due_on, returned_at
FROM loan JOIN work USING (agency, work_id)
LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS policy (agency, cutoff) USING (agency)
WHERE loan_id = ANY($1::bigint[]) AND (anchor IS NULL OR cutoff IS NULL OR anchor > cutoff)
"""
RESERVATIONS = """
SELECT reservation_id, patron_id, title, creator, pickup_branch, pickup_deadline, pickup_number
FROM reservation JOIN work USING (agency, work_id) WHERE reservation_id = ANY($1::bigint[])
"""
STANDING = """
SELECT (SELECT count(*) FROM loan WHERE patron_id = $1 AND returned_at IS NULL) AS open_loans,
    (SELECT count(*) FROM debt WHERE patron_id = $1 AND settled_at IS NULL) AS open_debts,
    (SELECT count(*) FROM reservation WHERE patron_id = $1) AS reservations
"""


async def name_loans(
    database: Database, loan_ids: Sequence[int], cutoffs: Mapping[str, datetime]
) -> list[asyncpg.Record]:
    """Return loans with their titles, without those that are due at their agency's cutoff."""
    return await database.fetch(LOANS, loan_ids, list(cutoffs), list(cutoffs.values()))


async def name_reservations(database: Database, reservation_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Return reservations with their titles."""
    return await database.fetch(RESERVATIONS, reservation_ids)


async def standing(database: Database, patron_id: int) -> asyncpg.Record:
    """Return how many open loans, open debts and reservations a patron has."""
    [record] = await database.fetch(STANDING, patron_id)
    return record
