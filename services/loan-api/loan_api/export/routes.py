"""HTTP for patron-api, which builds the export."""

from fastapi import APIRouter

from glem.identity import requires
from glem_contracts.holdings import DataSection
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.export import actions

router = APIRouter(tags=["services"])


@router.get("/patrons/{patron_id}/data", dependencies=[requires("patrons:export")])
async def collect(patron_id: RecordId, context: Context) -> list[DataSection]:
    """Give every personal field that lending holds about a patron (R106)."""
    return await actions.collect(context, patron_id)
