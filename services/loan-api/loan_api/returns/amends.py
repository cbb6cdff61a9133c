"""What staff puts right after the desk: a return that was none, and an item that will not come back."""

from dataclasses import dataclass
from typing import Literal

from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import LoanClosedAsLost, ReservationChanged, ReturnUndone
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.borrowers.store import lock_borrower
from loan_api.borrowers.tables import BorrowerRow
from loan_api.debts.of_loans import raise_compensation, withdraw_overdue_fee
from loan_api.debts.tables import DebtRow
from loan_api.loans.problems import LOAN_CLOSED, LOAN_GONE, LOAN_OPEN
from loan_api.loans.rules import is_due
from loan_api.loans.store import lock_loan
from loan_api.loans.tables import LoanRow
from loan_api.reservations.store import requeue
from loan_api.returns import store
from loan_api.returns.problems import LENT_AGAIN

GIVEN_UP = {"lost": "lost", "damaged": "withdrawn"}


@dataclass(frozen=True, slots=True)
class ClosedAsLost:
    """A loan closed as lost or damaged, and what is owed for it."""

    loan: LoanRow
    debt: DebtRow | None


@again
async def undo_return(runtime: Runtime, lending: Lending, principal: Principal, loan_id: int) -> LoanRow | Refusal:
    """Open a loan again whose return was a mistake, within its period (H14); its unpaid overdue fee is withdrawn.

    Refuses with loan-gone, loan-open, lent-again, fee-paid.
    """
    async with runtime.database.transaction() as tx:
        pair = await _lock(runtime, tx, principal, loan_id)
        if isinstance(pair, Refusal):
            return pair
        loan = pair[0]
        if loan.returned_at is None or loan.closed_as is not None:
            return LOAN_OPEN() if loan.returned_at is None else LOAN_CLOSED()
        if await store.lock_item(tx, loan.item_id) == "on-loan":
            return LENT_AGAIN()
        refusal = await withdraw_overdue_fee(tx, lending[loan.agency], loan, agencies=runtime.agencies)
        if refusal is not None:
            return refusal
        waiting = await requeue(tx, loan.item_id)
        await store.set_item(tx, loan.item_id, "on-loan")
        opened = await store.reopen(tx, loan_id)
        tx.record(loan.agency, loan_id, ReturnUndone(patron_id=loan.patron_id, clocks=[opened.clock]))
        if waiting is not None:
            tx.record(loan.agency, waiting.reservation_id, ReservationChanged(patron_id=waiting.patron_id))
        return opened


@again
async def close_as_lost(
    runtime: Runtime,
    lending: Lending,
    principal: Principal,
    loan_id: int,
    *,
    cause: Literal["lost", "damaged"],
    price: int | None,
) -> ClosedAsLost | Refusal:
    """Give up an item that is on loan, and raise the compensation: `price` øre, or the item's own price.

    Refuses with loan-gone, loan-closed.
    """
    async with runtime.database.transaction() as tx:
        pair = await _lock(runtime, tx, principal, loan_id)
        if isinstance(pair, Refusal):
            return pair
        loan, borrower = pair
        if loan.returned_at is not None:
            return LOAN_CLOSED()
        await store.set_item(tx, loan.item_id, GIVEN_UP[cause])
        amount = price if price is not None else await store.item_price(tx, loan.item_id)
        closed = await store.close_as(tx, loan_id, cause, tx.now, lending[loan.agency].fee_scope)
        tx.record(loan.agency, loan_id, LoanClosedAsLost(patron_id=loan.patron_id, cause=cause, clocks=[closed.clock]))
        debt = None
        if amount > 0:
            debt = await raise_compensation(
                tx,
                lending[loan.agency],
                borrower,
                closed,
                cause=cause,
                amount=amount,
                agencies=runtime.agencies,
            )
        return ClosedAsLost(closed, debt)


async def _lock(
    runtime: Runtime, tx: Transaction, principal: Principal, loan_id: int
) -> tuple[LoanRow, BorrowerRow] | Refusal:
    """Lock the borrower, then the loan; refuses with loan-gone for one that is due, erased or unknown."""
    patron_id = await store.patron_of(tx, loan_id)
    borrower = await lock_borrower(tx, patron_id) if patron_id is not None else None
    loan = await lock_loan(tx, loan_id)
    if loan is None or borrower is None:
        return LOAN_GONE()
    principal.at(loan.agency)
    if is_due(loan.anchor, runtime.agencies.cutoff(loan.agency, "loan", tx.now)):
        return LOAN_GONE()
    return loan, borrower
