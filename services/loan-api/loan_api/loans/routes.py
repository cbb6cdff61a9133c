"""HTTP of loans: check-out, renewal, and what a patron has on loan."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from glem.identity import Principal, bearer_of, requires_any
from glem.plain_routes import documented_body, json_response, read_body
from glem.problems import UNKNOWN_AGENCY, RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_contracts.receipts import Receipt
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.borrowers.access import about
from loan_api.borrowers.actions import meet
from loan_api.fields import PatronId
from loan_api.loans import actions
from loan_api.loans.schemas import CheckOut, LoanView
from loan_api.viewings.actions import Watch
from loan_api.viewings.rules import Reason

router = APIRouter(tags=["loans"])
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
    openapi_extra=documented_body(CheckOut),
)
async def check_out(request: Request) -> Response:
    """Lend an item to a patron; asking again gives the same loan, with 200."""
    principal = await bearer_of(request, "circulation:write")
    wish = await read_body(request, CheckOut)
    runtime, lending = request.app.state.runtime, request.app.state.lending
    if principal.agency not in runtime.agencies:
        raise RefusedError(UNKNOWN_AGENCY(agency=principal.agency))
    outcome = unwrap(await actions.check_out(runtime, lending, principal.agency, wish))
    return json_response(outcome.loan, 201 if outcome.new else 200)


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
