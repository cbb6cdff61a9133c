"""HTTP of returns: at the desk and the automats, and what staff puts right."""

from typing import Annotated

from fastapi import APIRouter, Response

from glem.identity import Principal, requires
from glem.problems import UNKNOWN_AGENCY, RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.debts.schemas import DebtShown
from loan_api.loans import actions as loans
from loan_api.loans.schemas import LoanView
from loan_api.quick import answer
from loan_api.returns import actions, amends
from loan_api.returns.schemas import CheckIn, Loss, Lost, Returned
from loan_api.wire import Key

router = APIRouter(tags=["returns"])
Desk = Annotated[Principal, requires("circulation:write")]
Staff = Annotated[Principal, requires("debts:write")]


@router.post("/returns", response_model=Returned)
async def check_in(
    wish: CheckIn, context: Context, lending: LendingContext, principal: Desk, key: Key = None
) -> Response:
    """Take an item back: by barcode, now or at the time that an automat tells."""
    if principal.agency not in context.agencies:
        raise RefusedError(UNKNOWN_AGENCY(agency=principal.agency))
    done = unwrap(await actions.check_in(context, lending, principal.agency, wish, key))
    debts = [DebtShown.model_validate(debt) for debt in done.debts]
    return answer(Returned.model_construct(loan=done.loan, debts=debts, reservation=done.reservation))


@router.post("/loans/{loan_id}/undo-return")
async def undo_return(loan_id: RecordId, context: Context, lending: LendingContext, principal: Staff) -> LoanView:
    """Open a loan again whose return was a mistake, while it is kept (H14)."""
    unwrap(await amends.undo_return(context, lending, principal, loan_id))
    return unwrap(await loans.read(context, lending, loan_id))


@router.post("/loans/{loan_id}/lost")
async def close_as_lost(
    loan_id: RecordId, loss: Loss, context: Context, lending: LendingContext, principal: Staff
) -> Lost:
    """Give up a lost or damaged item: the loan ends, and compensation is owed."""
    closed = unwrap(
        await amends.close_as_lost(context, lending, principal, loan_id, cause=loss.cause, price=loss.price)
    )
    view = unwrap(await loans.read(context, lending, loan_id))
    return Lost(loan=view, debt=None if closed.debt is None else DebtShown.model_validate(closed.debt))
