"""HTTP about the databases of the owners; each owner has access to its own mark only."""

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
    """Return the last mark of the service's database."""
    return unwrap(await actions.find(context, principal, service))


@router.put("/mark", status_code=204)
async def save_mark(service: str, mark: Mark, context: Context, principal: Owner) -> None:
    """Store the mark of the service's database."""
    unwrap(await actions.save(context, principal, service, mark))


@router.post("/restored", status_code=204)
async def restored(service: str, context: Context, principal: Owner) -> None:
    """Accept any version of the service's clocks from now on: its database came from a backup."""
    unwrap(await actions.forget_versions(context, principal, service))


@router.post("/audit")
async def audit(service: str, context: Context, principal: Owner, request: Request) -> Audit:
    """Audit the service now, and return how many of its records are past their period; they are erased at once."""
    found = unwrap(await actions.audit(context, principal, service, request.app.state.auditor))
    if found.overdue:
        request.app.state.sweeps.wake()
    return found
