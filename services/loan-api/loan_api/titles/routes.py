"""HTTP for the other services."""

from fastapi import APIRouter

from glem.identity import requires
from glem_contracts.ids import RecordId
from glem_contracts.titles import Titles, TitlesWanted
from glem_retention.runtime import Context
from loan_api.titles import actions
from loan_api.titles.schemas import Standing

router = APIRouter(tags=["services"], dependencies=[requires("titles:resolve")])


@router.post("/titles/resolve")
async def resolve(wanted: TitlesWanted, context: Context) -> Titles:
    """Name loans, reservations and debts; what is due or gone is absent."""
    return await actions.resolve(context, wanted)


@router.get("/patrons/{patron_id}/standing")
async def standing(patron_id: RecordId, context: Context) -> Standing:
    """Say what keeps a patron from being erased (R32)."""
    return await actions.standing(context, patron_id)
