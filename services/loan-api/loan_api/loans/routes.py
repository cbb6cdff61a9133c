"""HTTP of loans: check-out, renewal, and what a patron has on loan."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from glem.identity import Principal, requires, requires_any
from glem.problems import UNKNOWN_AGENCY, RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_retention.receipts import Receipt
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.borrowers.access import about
from loan_api.borrowers.actions import meet
from loan_api.loans import actions
from loan_api.loans.schemas import CheckOut, LoanView
from loan_api.quick import answer
from loan_api.viewings.actions import Watch
from loan_api.viewings.rules import Reason
from loan_api.wire import PatronId

router = APIRouter(tags=["loans"])
Desk = Annotated[Principal, requires("circulation:write")]
Renewer = Annotated[Principal, requires_any("self", "circulation:write")]
Reader = Annotated[Principal, requires_any("self", "circulation:read")]


async def _looker(
    request: Request,
    principal: Reader,
    viewing_reason: Annotated[
        Reason, Header(description="Why staff looks at a patron's ended loans (R84).")
    ] = "unstated",
) -> actions.Looker:
    watch: Watch = request.app.state.watch
    return actions.Looker(principal, viewing_reason, watch)


Looker = Annotated[actions.Looker, Depends(_looker)]


@router.post(
    "/loans",
    status_code=201,
    response_model=LoanView,
    responses={200: {"description": "The patron has it on loan already"}},
)
async def check_out(wish: CheckOut, context: Context, lending: LendingContext, principal: Desk) -> Response:
    """Lend an item to a patron; asking again gives the same loan, with 200."""
    if principal.agency not in context.agencies:
        raise RefusedError(UNKNOWN_AGENCY(agency=principal.agency))
    outcome = unwrap(await actions.check_out(context, lending, principal.agency, wish))
    return answer(outcome.loan, 201 if outcome.new else 200)


@router.post("/loans/{loan_id}/renewal")
async def renew(loan_id: RecordId, context: Context, lending: LendingContext, principal: Renewer) -> LoanView:
    """Renew a loan; a "no" has FBS' name for it in `fbs`."""
    return unwrap(await actions.renew(context, lending, principal, loan_id))


@router.get("/loans/{loan_id}")
async def show(loan_id: RecordId, context: Context, lending: LendingContext, looker: Looker) -> LoanView:
    """Give a loan; one that is due is gone."""
    return unwrap(await actions.show(context, lending, looker, loan_id))


@router.get("/loans/{loan_id}/receipt")
async def give_receipt(loan_id: RecordId, context: Context, principal: Reader, response: Response) -> Receipt:
    """Give what lets the patron check after its erasure that an ended loan went; to be kept, for it cannot be had then."""
    response.headers["cache-control"] = "no-store"
    return unwrap(await actions.receipt(context, principal, loan_id))


@router.get("/patrons/{patron_id}/loans")
async def of_patron(patron_id: PatronId, context: Context, lending: LendingContext, looker: Looker) -> list[LoanView]:
    """Give a patron's loans: open ones first, then those that have ended and are not yet due to go (R33, R34). What staff sees of these is logged."""
    borrower = unwrap(await meet(context, about(looker.principal, patron_id, others="circulation:read")))
    looker.principal.at(borrower.agency)
    return await actions.of_patron(context, lending, looker, borrower)
