"""HTTP of homebound lists: for the patron, and for the staff that picks the books."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires, requires_any
from glem.problems import unwrap
from glem_retention.runtime import Context
from loan_api.borrowers.access import about
from loan_api.borrowers.actions import meet
from loan_api.fields import PatronId
from loan_api.homebound import actions
from loan_api.homebound.schemas import HomeboundWorkView, SchemePreview

router = APIRouter(tags=["homebound"])


@router.get("/agencies/{agency}/homebound-works/preview")
async def preview_end(
    agency: str, context: Context, principal: Annotated[Principal, requires("retention:read")]
) -> SchemePreview:
    """Say how many works, of how many patrons, would go at once if the library ended its scheme (H33)."""
    principal.at(agency)
    return unwrap(await actions.preview_end(context, agency))


@router.get("/patrons/{patron_id}/homebound-works")
async def list_works(
    patron_id: PatronId, context: Context, principal: Annotated[Principal, requires_any("self", "circulation:read")]
) -> list[HomeboundWorkView]:
    """Give the works that a homebound patron has had (R43); empty where there is no consent."""
    borrower = unwrap(await meet(context, about(principal, patron_id, others="circulation:read")))
    principal.at(borrower.agency)
    return await actions.list_works(context, borrower)
