"""HTTP of claims; for staff."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.claims import actions
from loan_api.claims.schemas import Claim

router = APIRouter(tags=["returns"])
Staff = Annotated[Principal, requires("debts:write")]


@router.post("/loans/{loan_id}/claim")
async def claim(loan_id: RecordId, context: Context, principal: Staff) -> Claim:
    """Note that the patron says the item is back: no reminders while staff looks for it (H21)."""
    return unwrap(await actions.claim(context, principal, loan_id))


@router.post("/loans/{loan_id}/claim/acceptance")
async def accept(loan_id: RecordId, context: Context, lending: LendingContext, principal: Staff) -> Claim:
    """Take the patron's word: this instant is the return, and the item is lost until it turns up."""
    return unwrap(await actions.accept(context, lending, principal, loan_id))


@router.post("/loans/{loan_id}/claim/rejection")
async def reject(loan_id: RecordId, context: Context, principal: Staff) -> Claim:
    """Do not take the patron's word: the loan goes on as it was."""
    return unwrap(await actions.reject(context, principal, loan_id))
