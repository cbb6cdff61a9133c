"""All SQL about loans and their clocks; what the hot paths need is in `desk`."""

from collections.abc import Sequence
from typing import Literal

from glem.database import Transaction
from glem.envelope import RecordClock
from loan_api.base import row_of
from loan_api.loans.tables import LoanRow

RECOMPUTE_BY_LOAN = """
WITH held AS (
    SELECT loan_id, returned_at FROM loan WHERE loan_id = ANY($1::bigint[]) ORDER BY loan_id FOR UPDATE
), facts AS (
    SELECT held.loan_id, CASE
        WHEN held.returned_at IS NULL OR bool_or(debt.debt_id IS NOT NULL AND debt.settled_at IS NULL) THEN NULL
        ELSE greatest(held.returned_at, max(debt.settled_at)) END AS anchor
    FROM held LEFT JOIN debt_material material ON material.loan_id = held.loan_id
        LEFT JOIN debt ON debt.debt_id = material.debt_id
    GROUP BY held.loan_id, held.returned_at
)
UPDATE loan SET anchor = facts.anchor, clock_version = clock_version + 1
FROM facts WHERE loan.loan_id = facts.loan_id AND loan.anchor IS DISTINCT FROM facts.anchor
RETURNING loan.loan_id, loan.clock_version, loan.anchor
"""
RECOMPUTE_BY_PATRON = """
WITH held AS (
    SELECT loan_id, patron_id, returned_at FROM loan WHERE loan_id = ANY($1::bigint[]) ORDER BY loan_id FOR UPDATE
), facts AS (
    SELECT held.loan_id, CASE
        WHEN held.returned_at IS NULL OR bool_or(debt.debt_id IS NOT NULL AND debt.settled_at IS NULL) THEN NULL
        ELSE greatest(held.returned_at, max(debt.settled_at)) END AS anchor
    FROM held LEFT JOIN debt ON debt.patron_id = held.patron_id
    GROUP BY held.loan_id, held.returned_at
)
UPDATE loan SET anchor = facts.anchor, clock_version = clock_version + 1
FROM facts WHERE loan.loan_id = facts.loan_id AND loan.anchor IS DISTINCT FROM facts.anchor
RETURNING loan.loan_id, loan.clock_version, loan.anchor
"""


async def lock_loan(tx: Transaction, loan_id: int) -> LoanRow | None:
    """Return the loan, locked until the transaction ends, due or not; ask `rules.is_due` of its anchor."""
    record = await tx.fetchrow("SELECT * FROM loan WHERE loan_id = $1 FOR UPDATE", loan_id)
    return None if record is None else row_of(LoanRow, record)


async def loans_of_patron(tx: Transaction, patron_id: int) -> list[int]:
    """Return the ids of all the patron's loans, open and closed."""
    return [record["loan_id"] for record in await tx.fetch("SELECT loan_id FROM loan WHERE patron_id = $1", patron_id)]


async def recompute_clocks(
    tx: Transaction, loan_ids: Sequence[int], scope: Literal["loan", "patron"]
) -> list[RecordClock]:
    """Set each loan's anchor to what its return and debts make it, and return the clocks that moved, for the event.

    Null while the loan or a debt in scope is open, else the later of the return and the last settlement (R34, R35, H24).
    The borrower must be locked, so that no other debt comes in between.
    """
    statement = RECOMPUTE_BY_PATRON if scope == "patron" else RECOMPUTE_BY_LOAN
    return [
        RecordClock(
            record_class="loan",
            record_id=record["loan_id"],
            version=record["clock_version"],
            anchor=record["anchor"],
        )
        for record in await tx.fetch(statement, list(loan_ids))
    ]
