"""Erase me, over HTTP (R32)."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from patron_api.access import whose
from patron_api.context import Api
from patron_api.erasure import actions
from patron_api.erasure.schemas import ErasureView, RequestView, Wish

router = APIRouter(tags=["rights"])
Writer = Annotated[Principal, requires_any("self", "patrons:write")]


@router.post("/patrons/{patron_id}/erasure", status_code=202)
async def ask(patron_id: str, wish: Wish, api: Api, caller: Writer) -> ErasureView:
    """Ask for the erasure of a patron; refused, with everything that is open, or carried out at once."""
    patron = whose(patron_id, caller, "patrons:write")
    return unwrap(await actions.ask(api, patron, caller, when_clear=wish.when_clear))


@router.get("/patrons/{patron_id}/erasure")
async def show(patron_id: str, api: Api, caller: Writer) -> ErasureView:
    """Say how far the erasure has come in each service."""
    return unwrap(await actions.show(api, whose(patron_id, caller, "patrons:write"), caller))


@router.delete("/patrons/{patron_id}/erasure", status_code=204)
async def withdraw(patron_id: str, api: Api, caller: Writer) -> None:
    """Take back a wish that waits."""
    unwrap(await actions.withdraw(api, whose(patron_id, caller, "patrons:write"), caller))


@router.get("/erasures/{request_id}")
async def show_request(request_id: RecordId, api: Api) -> RequestView:
    """Say how far a request has come, without a token, until its period after the end has passed: its patron can no longer log in."""
    return unwrap(await actions.show_request(api, request_id))
