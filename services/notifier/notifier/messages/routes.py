"""The overview of a patron's messages over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from glem.identity import Principal, requires_any
from glem.problems import NO_SCOPE, RefusedError, unwrap
from glem_contracts.ids import RecordId
from glem_contracts.receipts import Receipt
from glem_retention.runtime import Context
from notifier.messages import actions
from notifier.messages.schemas import MessageLine

router = APIRouter(tags=["messages"])

STAFF = "messages:read"
PatronId = Annotated[int | Literal["me"], Path(description="A patron's id, or `me`.")]
Reader = Annotated[Principal, requires_any("self", STAFF)]


@router.get("/patrons/{patron_id}/messages")
async def messages(
    patron_id: PatronId,
    context: Context,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[MessageLine]:
    """Give the overview of messages to a patron, newest first, with their text while it is kept (R59, R60)."""
    patron = _whose(patron_id, principal)
    lines = await actions.show_messages(context, principal, patron, actions.Page(limit, offset))
    return [MessageLine.model_validate(line) for line in lines]


@router.get("/patrons/{patron_id}/messages/{message_id}/receipts")
async def receipts(
    patron_id: PatronId,
    message_id: RecordId,
    context: Context,
    principal: Reader,
    response: Response,
) -> list[Receipt]:
    """Give what lets the patron check after their erasure that a message's text, and its line, went; to be kept."""
    response.headers["cache-control"] = "no-store"
    return unwrap(await actions.receipts(context, principal, _whose(patron_id, principal), message_id))


def _whose(patron_id: int | Literal["me"], principal: Principal) -> int:
    patron = principal.patron_id if patron_id == "me" else patron_id
    if patron is None:
        raise RefusedError(NO_SCOPE(scope="self"))
    principal.about(patron, others=STAFF)
    return patron
