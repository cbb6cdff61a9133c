"""Permissions over HTTP; they are the patron's own to give (R12)."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from patron_api.access import NOBODY_ELSE, whose
from patron_api.context import Api
from patron_api.permissions import actions
from patron_api.permissions.schemas import PermissionsChange, PermissionsView

router = APIRouter(tags=["patrons"])


@router.put("/patrons/{patron_id}/permissions")
async def change_permissions(
    patron_id: str, change: PermissionsChange, api: Api, caller: Annotated[Principal, requires("self")]
) -> PermissionsView:
    """Give or withdraw the permission for notices by SMS and by e-mail."""
    wanted = {purpose: wish for purpose, wish in change.model_dump().items() if wish is not None}
    now = unwrap(await actions.change_permissions(api, whose(patron_id, caller, NOBODY_ELSE), wanted, caller))
    return PermissionsView(sms=now["sms"], email=now["email"])
