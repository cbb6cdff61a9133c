"""What services ask, over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from patron_api.access import whose
from patron_api.context import Api
from patron_api.resolve import actions
from patron_api.resolve.schemas import Asked, Resolved, SnapshotView

router = APIRouter(tags=["services"])
Resolver = Annotated[Principal, requires("patrons:resolve")]


@router.post("/contacts/resolve")
async def resolve(asked: Asked, api: Api, _: Resolver) -> list[Resolved]:
    """Say how to reach patrons now, as a message is about to be sent."""
    return [Resolved.model_validate(row) for row in await actions.resolve(api, asked.patron_ids)]


@router.get("/patrons/{patron_id}/snapshot")
async def read_snapshot(patron_id: str, api: Api, caller: Resolver) -> SnapshotView:
    """Give what lending needs to know of a patron."""
    found = await actions.read_snapshot(api, whose(patron_id, caller, "patrons:resolve"))
    return SnapshotView.model_validate(unwrap(found))
