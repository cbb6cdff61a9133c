"""HTTP about legal holds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.holds import NamedRecords
from glem_retention.runtime import Context
from retention_worker.holds import actions
from retention_worker.holds.schemas import Extension, HeldRecordShown, Hold, HoldWanted

router = APIRouter(tags=["legal holds"])
Reader = Annotated[Principal, requires("retention:read")]
Writer = Annotated[Principal, requires("retention:write")]


@router.get("/holds")
async def read_holds(
    context: Context,
    principal: Reader,
    *,
    active: bool | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Hold]:
    """Return holds in the order of their ids; ask again with `after` = the last one's."""
    return await actions.page(context, principal, active=active, after=after, limit=limit)


@router.post("/holds", status_code=201)
async def place_hold(wanted: HoldWanted, context: Context, principal: Writer) -> Hold:
    """Hold named records until a named end; refused as a whole when any of them is gone."""
    return unwrap(await actions.place(context, principal, wanted))


@router.post("/holds/{hold_id}/release")
async def release_hold(hold_id: int, context: Context, principal: Writer, request: Request) -> Hold:
    """End a hold; its records past their period are erased at once."""
    return unwrap(await actions.release(context, principal, hold_id, request.app.state.sweeps.wake))


@router.post("/holds/{hold_id}/extension")
async def extend_hold(hold_id: int, wanted: Extension, context: Context, principal: Writer) -> Hold:
    """Give a hold another end, at most a year from now."""
    return unwrap(await actions.extend(context, principal, hold_id, wanted.ends_at))


@router.post("/holds/lookup")
async def look_up_holds(records: NamedRecords, context: Context, principal: Reader) -> list[HeldRecordShown]:
    """Return which of these records are held now; their owner must not erase them, and may show the hold to the patron."""
    return await actions.held(context, principal, records)
