"""All SQL about claims: they are a mark in the loan's own row, and go with it."""

from datetime import datetime

from glem.database import Transaction
from loan_api.agency import FeeScope
from loan_api.base import row_of
from loan_api.loans.tables import LoanRow


async def mark(tx: Transaction, loan_id: int, at: datetime) -> datetime:
    """Note a claim, or keep the one that there is; return since when it is there."""
    since: datetime = await tx.fetchval(
        "UPDATE loan SET claimed_at = coalesce(claimed_at, $2) WHERE loan_id = $1 RETURNING claimed_at", loan_id, at
    )
    return since


async def is_claimed(tx: Transaction, loan_id: int) -> bool:
    """Say whether there is a claim about the loan."""
    found: bool = await tx.fetchval("SELECT claimed_at IS NOT NULL FROM loan WHERE loan_id = $1", loan_id)
    return found


async def unmark(tx: Transaction, loan_id: int) -> None:
    """Forget the claim."""
    await tx.execute("UPDATE loan SET claimed_at = NULL WHERE loan_id = $1", loan_id)


async def end_loan(tx: Transaction, loan_id: int, at: datetime, scope: FeeScope) -> LoanRow:
    """Write that the loan ended by its patron's word, and set its clock from its debts."""
    [record] = await tx.fetch(
        """UPDATE loan SET returned_at = $2, clock_version = clock_version + 1,
            anchor = (SELECT anchor FROM loan_anchor(loan.loan_id, loan.patron_id, $2, $3))
        WHERE loan_id = $1 RETURNING *""",
        loan_id,
        at,
        scope,
    )
    return row_of(LoanRow, record)
