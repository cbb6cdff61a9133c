"""The absence over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires_any
from glem.problems import unwrap
from patron_api.absence import actions
from patron_api.absence.rules import Period
from patron_api.absence.schemas import AbsenceBody
from patron_api.access import whose
from patron_api.context import Api

router = APIRouter(tags=["patrons"])


@router.put("/patrons/{patron_id}/absence")
async def change_absence(
    patron_id: str, body: AbsenceBody, api: Api, caller: Annotated[Principal, requires_any("self", "patrons:write")]
) -> AbsenceBody:
    """Set the period in which no reservation is filled; `{}` clears it."""
    period = Period(body.from_day, body.until_day)
    unwrap(await actions.change_absence(api, whose(patron_id, caller, "patrons:write"), period, caller))
    return body
