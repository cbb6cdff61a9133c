"""HTTP of returns: at the desk and the automats, and what staff puts right."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from glem.identity import Principal, bearer_of, requires
from glem.plain_routes import documented_body, json_response, read_body, read_header
from glem.problems import UNKNOWN_AGENCY, RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.debts.schemas import DebtShown
from loan_api.fields import KEY
from loan_api.loans import actions as loans
from loan_api.loans.schemas import LoanView
from loan_api.returns import actions, amends
from loan_api.returns.schemas import CheckIn, Loss, Lost, Returned

router = APIRouter(tags=["returns"])
Staff = Annotated[Principal, requires("debts:write")]


@router.post("/returns", response_model=Returned, openapi_extra=documented_body(CheckIn, KEY))
async def check_in(request: Request) -> Response:
    """Take an item back: by barcode, now or at the time that an automat reports."""
    principal = await bearer_of(request, "circulation:write")
    wish, key = await read_body(request, CheckIn), read_header(request, KEY)
    runtime, lending = request.app.state.runtime, request.app.state.lending
    if principal.agency not in runtime.agencies:
        raise RefusedError(UNKNOWN_AGENCY(agency=principal.agency))
    done = unwrap(await actions.check_in(runtime, lending, principal.agency, wish, key))
    debts = [DebtShown.model_validate(debt) for debt in done.debts]
    return json_response(Returned.model_construct(loan=done.loan, debts=debts, reservation=done.reservation))


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
