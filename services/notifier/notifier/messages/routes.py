"""The overview of a patron's messages over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from glem.identity import Principal, requires_any
from glem.problems import NO_SCOPE, RefusedError
from glem.service import Context
from notifier.messages import actions
from notifier.messages.schemas import MessageLine

router = APIRouter(tags=["messages"])

STAFF = "messages:read"


@router.get("/patrons/{patron_id}/messages")
async def messages(
    patron_id: Annotated[int | Literal["me"], Path(description="A patron's id, or `me`.")],
    context: Context,
    principal: Annotated[Principal, requires_any("self", STAFF)],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[MessageLine]:
    """Give the overview of messages to a patron, newest first, with their text while it is kept (R59, R60)."""
    patron = principal.patron_id if patron_id == "me" else patron_id
    if patron is None:
        raise RefusedError(NO_SCOPE(scope="self"))
    principal.about(patron, others=STAFF)
    lines = await actions.show_messages(context, principal, patron, actions.Page(limit, offset))
    return [MessageLine.model_validate(line) for line in lines]
