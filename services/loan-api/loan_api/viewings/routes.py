"""HTTP of viewings; for the data protection officer."""

from typing import Annotated

from fastapi import APIRouter, Query

from glem.identity import Principal, requires
from glem.problems import UNKNOWN_AGENCY, RefusedError
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.viewings import actions
from loan_api.viewings.schemas import ViewingShown

router = APIRouter(tags=["viewings"])


@router.get("/viewings")
async def read(
    context: Context,
    lending: LendingContext,
    principal: Annotated[Principal, requires("retention:write")],
    patron_id: Annotated[RecordId | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[ViewingShown]:
    """Say who of the staff looked at ended loans, when and why; of one patron or of all, newest first (R84)."""
    if principal.agency not in lending:
        raise RefusedError(UNKNOWN_AGENCY(agency=principal.agency))
    found = await actions.page(context, principal.agency, patron_id, limit)
    return [ViewingShown.model_validate(row) for row in found]
