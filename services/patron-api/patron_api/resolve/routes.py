"""What services ask, over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.contacts import ContactsWanted, ReachablePatron
from glem_contracts.snapshots import Snapshot
from patron_api.access import whose
from patron_api.context import Api
from patron_api.resolve import actions

router = APIRouter(tags=["services"])
Resolver = Annotated[Principal, requires("patrons:resolve")]


@router.post("/contacts/resolve")
async def resolve(wanted: ContactsWanted, api: Api, _: Resolver) -> list[ReachablePatron]:
    """Say how to reach patrons now, as a message is about to be sent."""
    return [ReachablePatron.model_validate(row) for row in await actions.resolve(api, wanted.patron_ids)]


@router.get("/patrons/{patron_id}/snapshot")
async def read_snapshot(patron_id: str, api: Api, caller: Resolver) -> Snapshot:
    """Give what lending needs to know of a patron."""
    found = await actions.read_snapshot(api, whose(patron_id, caller, "patrons:resolve"))
    return Snapshot.model_validate(unwrap(found))
