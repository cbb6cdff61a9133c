"""See my data, over HTTP (R106)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from patron_api.access import whose
from patron_api.context import Api
from patron_api.export import actions, wording
from patron_api.export.schemas import ExportAsked, ExportView, ExportWish

router = APIRouter(tags=["rights"])
Reader = Annotated[Principal, requires_any("self", "patrons:read")]
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}


@router.post("/patrons/{patron_id}/export", status_code=201)
async def ask(patron_id: str, wish: ExportWish, api: Api, caller: Reader) -> ExportAsked:
    """Ask for everything that is held about a patron; staff say why."""
    return unwrap(await actions.ask(api, whose(patron_id, caller, "patrons:read"), wish.reason, caller))


@router.get("/patrons/{patron_id}/exports/{export_id}", response_model=ExportView)
async def download(
    patron_id: str, export_id: RecordId, api: Api, caller: Reader, *, kind: Literal["json", "html"] = "json"
) -> Response:
    """Give the export as JSON or as a page to read, built now."""
    built = unwrap(await actions.download(api, whose(patron_id, caller, "patrons:read"), export_id, caller))
    identity = api.runtime.agencies[built.agency].identity
    shown = wording.view(identity, built.language, built.built_at, built.sections)
    if kind == "json":
        return Response(shown.model_dump_json(), media_type="application/json", headers=PRIVATE)
    policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(wording.page(shown), media_type="text/html; charset=utf-8", headers=PRIVATE | policy)
