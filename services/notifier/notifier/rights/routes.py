"""HTTP for patron-api, which builds the export and sees an erasure through."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem_contracts.holdings import DataSection
from glem_contracts.ids import RecordId
from glem_contracts.remains import Remains
from glem_retention.runtime import Context
from notifier.rights import actions

router = APIRouter(tags=["services"])


@router.get("/patrons/{patron_id}/data")
async def collect(
    patron_id: RecordId, context: Context, caller: Annotated[Principal, requires("patrons:export")]
) -> list[DataSection]:
    """Give every personal field that notifier holds about a patron (R106)."""
    return await actions.collect(context, caller, patron_id)


@router.get("/patrons/{patron_id}/remains", dependencies=[requires("patrons:close")])
async def remains(patron_id: RecordId, context: Context) -> Remains:
    """Count what is left of a patron, so that the erasure can be seen to be done."""
    return await actions.remains(context, patron_id)
