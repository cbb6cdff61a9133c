"""HTTP for patron-api, which erases patrons."""

from fastapi import APIRouter

from glem.identity import requires
from glem.problems import unwrap
from glem_contracts.closing import Closing
from glem_contracts.ids import RecordId
from glem_contracts.remains import Remains
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.closing import actions

router = APIRouter(tags=["services"], dependencies=[requires("patrons:close")])


@router.post("/patrons/{patron_id}/closing")
async def close(patron_id: RecordId, context: Context, lending: LendingContext) -> Closing:
    """Let go of a patron with all that is kept, or say what stands against it (R32)."""
    return unwrap(await actions.close(context, lending, patron_id))


@router.get("/patrons/{patron_id}/closing")
async def look(patron_id: RecordId, context: Context) -> Closing:
    """Say what stands against a patron's erasure now."""
    return await actions.look(context, patron_id)


@router.get("/patrons/{patron_id}/remains")
async def remains(patron_id: RecordId, context: Context) -> Remains:
    """Count what is left of a patron, so that the erasure can be seen to be done."""
    return await actions.remains(context, patron_id)
