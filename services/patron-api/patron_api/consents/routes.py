"""A homebound patron's consent over HTTP: the patron's own to give, also on paper that staff enters (R43)."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from patron_api.access import whose
from patron_api.consents import actions
from patron_api.consents.schemas import ConsentBody, ConsentView
from patron_api.context import Api

router = APIRouter(tags=["patrons"])
Writer = Annotated[Principal, requires_any("self", "patrons:write")]


@router.put("/patrons/{patron_id}/homebound-consent")
async def give(patron_id: str, body: ConsentBody, api: Api, caller: Writer) -> ConsentView:
    """Write that the consent was signed."""
    patron = whose(patron_id, caller, "patrons:write")
    return unwrap(await actions.give(api, patron, body.signed_on, body.signed_by, caller))


@router.delete("/patrons/{patron_id}/homebound-consent", status_code=204)
async def withdraw(patron_id: str, api: Api, caller: Writer) -> None:
    """End the consent; the list of works goes at once."""
    unwrap(await actions.withdraw(api, whose(patron_id, caller, "patrons:write"), caller))


@router.get("/patrons/{patron_id}/homebound-consent")
async def read(
    patron_id: str, api: Api, caller: Annotated[Principal, requires_any("self", "patrons:read")]
) -> ConsentView:
    """Give the consent as it stands."""
    return unwrap(await actions.read(api, whose(patron_id, caller, "patrons:read"), caller))
