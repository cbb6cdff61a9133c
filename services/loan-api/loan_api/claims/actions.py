"""Taking a claim, and settling it (H21).

While a claim stands the loan is open: nothing of it is erased, and nobody is reminded of it. Staff accepts it, and that instant
is the return; or rejects it, and the loan goes on as it was. An item that turns up is checked in like any other.
"""

from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import LoanReturned
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.borrowers.store import lock_borrower
from loan_api.claims import store
from loan_api.claims.problems import NO_CLAIM
from loan_api.claims.schemas import Claim
from loan_api.loans.problems import LOAN_CLOSED, LOAN_GONE
from loan_api.loans.rules import is_due
from loan_api.loans.store import lock_loan
from loan_api.loans.tables import LoanRow
from loan_api.returns.store import patron_of, set_item


@again
async def claim(runtime: Runtime, principal: Principal, loan_id: int) -> Claim | Refusal:
    """Note that the patron says the item is back; the same again changes nothing. Refuses with loan-gone, loan-closed."""
    async with runtime.database.transaction() as tx:
        loan = await _open_loan(runtime, tx, principal, loan_id)
        if isinstance(loan, Refusal):
            return loan
        since = await store.mark(tx, loan_id, tx.now)
        return Claim(loan_id=loan_id, claimed_at=since, returned_at=None)


@again
async def accept(runtime: Runtime, lending: Lending, principal: Principal, loan_id: int) -> Claim | Refusal:
    """Take the patron's word: the loan ends now, without an overdue fee, and the item is lost until it turns up.

    Refuses with loan-gone, loan-closed, no-claim.
    """
    async with runtime.database.transaction() as tx:
        loan = await _open_loan(runtime, tx, principal, loan_id)
        if isinstance(loan, Refusal):
            return loan
        if not await store.is_claimed(tx, loan_id):
            return NO_CLAIM()
        await set_item(tx, loan.item_id, "lost")
        ended = await store.end_loan(tx, loan_id, tx.now, lending[loan.agency].fee_scope)
        returned = LoanReturned(
            patron_id=loan.patron_id, branch=loan.branch, returned_at=tx.now, late=False, clocks=[ended.clock]
        )
        tx.record(loan.agency, loan_id, returned)
        return Claim(loan_id=loan_id, claimed_at=None, returned_at=tx.now)


@again
async def reject(runtime: Runtime, principal: Principal, loan_id: int) -> Claim | Refusal:
    """Do not take the patron's word: the loan goes on, with its reminders. Refuses with loan-gone, loan-closed, no-claim."""
    async with runtime.database.transaction() as tx:
        loan = await _open_loan(runtime, tx, principal, loan_id)
        if isinstance(loan, Refusal):
            return loan
        if not await store.is_claimed(tx, loan_id):
            return NO_CLAIM()
        await store.unmark(tx, loan_id)
        return Claim(loan_id=loan_id, claimed_at=None, returned_at=None)


async def _open_loan(runtime: Runtime, tx: Transaction, principal: Principal, loan_id: int) -> LoanRow | Refusal:
    patron_id = await patron_of(tx, loan_id)
    borrower = await lock_borrower(tx, patron_id) if patron_id is not None else None
    loan = await lock_loan(tx, loan_id)
    if loan is None or borrower is None:
        return LOAN_GONE()
    principal.at(loan.agency)
    if is_due(loan.anchor, runtime.agencies.cutoff(loan.agency, "loan", tx.now)):
        return LOAN_GONE()
    return LOAN_CLOSED() if loan.returned_at is not None else loan
