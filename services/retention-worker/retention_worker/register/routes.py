"""HTTP about the register."""

from typing import Annotated

from fastapi import APIRouter, Query

from glem.identity import Principal, requires
from glem_contracts.register import RegisterLine, RegisterPage
from glem_retention.runtime import Context
from retention_worker.register import actions

router = APIRouter(tags=["register"])


@router.get("/register")
async def read_register(
    context: Context,
    principal: Annotated[Principal, requires("retention:read")],
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    record_class: Annotated[list[str] | None, Query()] = None,
) -> RegisterPage:
    """Return lines of the register in order: of the bearer's agency, or of all for a service; of some classes, or all."""
    agency = None if principal.agency == "*" else principal.agency
    entries = [
        RegisterLine(**row) for row in await actions.page(context.database, agency, after, limit, record_class or ())
    ]
    return RegisterPage(entries=entries, next=entries[-1].entry if entries else after)
