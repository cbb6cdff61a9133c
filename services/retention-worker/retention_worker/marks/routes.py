"""HTTP about the databases of the owners; each owner speaks of its own."""

from typing import Annotated

from fastapi import APIRouter, Request

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.marks import Audit, KnownMark, Mark
from glem_retention.runtime import Context
from retention_worker.marks import actions

router = APIRouter(tags=["owners"], prefix="/owners/{service}")
Owner = Annotated[Principal, requires("retention:dispose")]


@router.get("/mark")
async def read_mark(service: str, context: Context, principal: Owner) -> KnownMark | None:
    """Say where the service's database was when it last told."""
    return unwrap(await actions.find(context, principal, service))


@router.put("/mark", status_code=204)
async def tell_mark(service: str, mark: Mark, context: Context, principal: Owner) -> None:
    """Take note of where the service's database is."""
    unwrap(await actions.tell(context, principal, service, mark))


@router.post("/restored", status_code=204)
async def take_back(service: str, context: Context, principal: Owner) -> None:
    """Take note that the service's database came from a backup: its clocks' versions begin anew."""
    unwrap(await actions.take_back(context, principal, service))


@router.post("/audit")
async def audit(service: str, context: Context, principal: Owner, request: Request) -> Audit:
    """Audit the service now, have erased what is found, and say how many records are past their period."""
    found = unwrap(await actions.audit(context, principal, service, request.app.state.auditor))
    if found.overdue:
        request.app.state.sweeps.wake()
    return found
