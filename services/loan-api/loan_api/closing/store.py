"""The SQL of closing a patron."""

import asyncpg

from loan_api.base import Reader

OPEN_LOANS = """
SELECT loan_id, due_on, coalesce(title, '') AS title FROM loan LEFT JOIN work USING (agency, work_id)
WHERE patron_id = $1 AND returned_at IS NULL ORDER BY due_on, loan_id
"""
OPEN_DEBTS = """
SELECT debt_id, kind, balance, ARRAY(
    SELECT title FROM debt_material material JOIN work ON work.agency = debt.agency AND work.work_id = material.work_id
    WHERE material.debt_id = debt.debt_id ORDER BY title) AS titles
FROM debt WHERE patron_id = $1 AND settled_at IS NULL ORDER BY raised_at, debt_id
"""
CLOSED = """
SELECT 'loan' AS record_class, loan_id AS record_id FROM loan WHERE patron_id = $1
UNION ALL SELECT 'debt', debt_id FROM debt WHERE patron_id = $1
"""
REMAINS = """
SELECT coalesce((SELECT erased FROM borrower WHERE patron_id = $1), false) AS forgotten,
    (SELECT count(*) FROM borrower WHERE patron_id = $1 AND NOT erased) AS borrowers,
    (SELECT count(*) FROM loan WHERE patron_id = $1) AS loans,
    (SELECT count(*) FROM reservation WHERE patron_id = $1) AS reservations,
    (SELECT count(*) FROM debt WHERE patron_id = $1) AS debts,
    (SELECT count(*) FROM payment WHERE patron_id = $1) AS payments,
    (SELECT count(*) FROM homebound_consent WHERE patron_id = $1) AS homebound_consents,
    (SELECT count(*) FROM homebound_work WHERE patron_id = $1) AS homebound_works,
    (SELECT count(*) FROM viewing WHERE patron_id = $1) AS viewings
"""


async def open_loans(reader: Reader, patron_id: int) -> list[asyncpg.Record]:
    """Return (loan_id, due_on, title) of what is not back."""
    return await reader.fetch(OPEN_LOANS, patron_id)


async def open_debts(reader: Reader, patron_id: int) -> list[asyncpg.Record]:
    """Return (debt_id, kind, balance, titles) of what is owed."""
    return await reader.fetch(OPEN_DEBTS, patron_id)


async def records_of(reader: Reader, patron_id: int) -> dict[str, list[int]]:
    """Return the ids of a patron's loans and debts, by record class."""
    found: dict[str, list[int]] = {"loan": [], "debt": []}
    for record in await reader.fetch(CLOSED, patron_id):
        found[record["record_class"]].append(record["record_id"])
    return {record_class: ids for record_class, ids in found.items() if ids}


async def remains(reader: Reader, patron_id: int) -> tuple[bool, dict[str, int]]:
    """Say whether a patron is known to be erased, and how many rows of each kind are left."""
    [record] = await reader.fetch(REMAINS, patron_id)
    counts = dict(record)
    return counts.pop("forgotten"), counts
