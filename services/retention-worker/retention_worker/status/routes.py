"""HTTP about the state of erasure."""

from typing import Annotated

from fastapi import APIRouter, Request

from glem.identity import Principal, requires
from glem_retention.runtime import Context
from retention_worker.status import actions
from retention_worker.status.schemas import Status

router = APIRouter(tags=["status"])
Reader = Annotated[Principal, requires("retention:read")]


def _agency_of(principal: Principal) -> str | None:
    return None if principal.agency == "*" else principal.agency


@router.get("/status")
async def read_status(context: Context, principal: Reader, request: Request) -> Status:
    """Return what is overdue, what falls due next and what was erased."""
    return await actions.read_status(context, request.app.state.sweeps, _agency_of(principal))


@router.post("/sweep", dependencies=[requires("retention:write")])
async def sweep_now(request: Request) -> dict[str, str]:
    """Begin a sweep now; one begins by itself within a second."""
    request.app.state.sweeps.wake()
    return {"sweep": "begun"}
