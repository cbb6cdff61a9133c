"""Guardians over HTTP; staff only."""

from typing import Annotated

from fastapi import APIRouter, Request

from glem.identity import Principal, requires
from glem.problems import language_of, unwrap
from patron_api.access import whose
from patron_api.cautions import Warned, told
from patron_api.context import Api
from patron_api.guardians import actions
from patron_api.guardians.schemas import GuardianBody

router = APIRouter(tags=["patrons"])


@router.put("/patrons/{patron_id}/guardian")
async def change_guardian(
    patron_id: str,
    body: GuardianBody,
    request: Request,
    api: Api,
    caller: Annotated[Principal, requires("patrons:write")],
) -> list[Warned]:
    """Replace a child's guardian and consent; answers with warnings."""
    cautions = await actions.change_guardian(api, whose(patron_id, caller, "patrons:write"), body, caller)
    return told(unwrap(cautions), language_of(request))
