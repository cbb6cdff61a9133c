"""Patrons over HTTP."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request

from glem.identity import Principal, requires, requires_any
from glem.problems import language_of, unwrap
from patron_api.access import whose
from patron_api.cautions import Caution, told
from patron_api.context import Api, PatronApi
from patron_api.patrons import actions, registration
from patron_api.patrons.schemas import (
    CprUpdate,
    Found,
    PatronChange,
    PatronView,
    PinChange,
    Registration,
    Search,
)

router = APIRouter(tags=["patrons"])
Writer = Annotated[Principal, requires("patrons:write")]
OwnOrWriter = Annotated[Principal, requires_any("self", "patrons:write")]
NOTES = {"internal_note": "internal-note", "patron_note": "patron-note"}


async def _shown(
    api: PatronApi, patron_id: int, caller: Principal, request: Request, cautions: list[Caution] | None = None
) -> PatronView:
    whole: dict[str, Any] = unwrap(await actions.read_patron(api, patron_id, caller))
    for name, record_class in NOTES.items():
        if note := whole[name]:
            written_at = datetime.fromisoformat(note["written_at"])
            note["expires_at"] = api.due_at(whole["agency"], record_class, written_at)
    return PatronView.model_validate({**whole, "warnings": told(cautions or [], language_of(request))})


@router.post("/patrons", status_code=201)
async def register(new: Registration, request: Request, api: Api, caller: Writer) -> PatronView:
    """Register a patron at the caller's agency."""
    patron_id, cautions = unwrap(await registration.register(api, new, caller))
    return await _shown(api, patron_id, caller, request, cautions)


@router.post("/patrons/search")
async def search(body: Search, api: Api, caller: Annotated[Principal, requires("patrons:read")]) -> list[Found]:
    """Find patrons; a POST, so that no number stands in a URL."""
    card = body.card.get_secret_value() if body.card else None
    rows = await actions.search(api, card, body.name, body.limit, caller)
    return [Found.model_validate(row) for row in rows]


@router.get("/patrons/{patron_id}")
async def read(
    patron_id: str, request: Request, api: Api, caller: Annotated[Principal, requires_any("self", "patrons:read")]
) -> PatronView:
    """Show a patron, as far as the bearer may see; `me` is the bearer."""
    return await _shown(api, whose(patron_id, caller, "patrons:read"), caller, request)


@router.patch("/patrons/{patron_id}")
async def change(patron_id: str, body: PatronChange, request: Request, api: Api, caller: OwnOrWriter) -> PatronView:
    """Change home branch (patron), language (patron, staff), group, municipality, c/o address (staff)."""
    number = whose(patron_id, caller, "patrons:write")
    unwrap(await actions.change_patron(api, number, body, caller))
    return await _shown(api, number, caller, request)


@router.post("/patrons/{patron_id}/cpr-update")
async def follow_register(patron_id: str, body: CprUpdate, request: Request, api: Api, caller: Writer) -> PatronView:
    """Write what the CPR register says."""
    number = whose(patron_id, caller, "patrons:write")
    cautions = unwrap(await actions.follow_register(api, number, body, caller))
    return await _shown(api, number, caller, request, cautions)


@router.put("/patrons/{patron_id}/pin", status_code=204)
async def change_pin(patron_id: str, body: PinChange, api: Api, caller: OwnOrWriter) -> None:
    """Set a new PIN; all log-ins end."""
    current = body.current_pin.get_secret_value() if body.current_pin else None
    number = whose(patron_id, caller, "patrons:write")
    unwrap(await actions.change_pin(api, number, body.pin.get_secret_value(), current, caller))
