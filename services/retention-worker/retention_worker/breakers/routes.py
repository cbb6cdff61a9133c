"""HTTP about breakers."""

from typing import Annotated

from fastapi import APIRouter, Request

from glem.identity import Principal, requires
from glem.problems import unwrap
from retention_worker.breakers.actions import Breakers
from retention_worker.breakers.schemas import Acknowledged, Acknowledgement, Breaker

router = APIRouter(tags=["breakers"])


def _breakers(request: Request) -> Breakers:
    breakers: Breakers = request.app.state.breakers
    return breakers


@router.get("/breakers")
async def read_breakers(principal: Annotated[Principal, requires("retention:read")], request: Request) -> list[Breaker]:
    """Return the breakers that are open, and the floods that are coming, at the bearer's agency or at all."""
    return await _breakers(request).read(None if principal.agency == "*" else principal.agency)


@router.get("/breakers/acknowledgements")
async def read_acknowledgements(
    principal: Annotated[Principal, requires("retention:write")], request: Request
) -> list[Acknowledged]:
    """Say who let the records of breakers go, newest first, at the bearer's agency or at all; for as long as the name is kept."""
    return await _breakers(request).acknowledgements(None if principal.agency == "*" else principal.agency)


@router.post("/breakers/{agency}/{record_class}/acknowledgement", status_code=204)
async def acknowledge(
    agency: str,
    record_class: str,
    wanted: Acknowledgement,
    principal: Annotated[Principal, requires("retention:write")],
    request: Request,
) -> None:
    """Let the records go that breakers keep; refused with the number that it is now when `records` is not about it."""
    wake = request.app.state.sweeps.wake
    unwrap(await _breakers(request).acknowledge(principal, agency, record_class, wanted.records, wake))
