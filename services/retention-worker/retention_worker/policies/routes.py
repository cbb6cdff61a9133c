"""HTTP about policies: the changes of them, and the page for everybody."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from glem.identity import Principal, requires
from glem.problems import language_of, unwrap
from glem_retention.runtime import Context
from retention_worker.policies import actions, page
from retention_worker.policies.publishing import Publisher
from retention_worker.policies.schemas import Approval, PolicyPages, Preview, Proposal, ProposalWanted

router = APIRouter(tags=["policies"])
Reader = Annotated[Principal, requires("retention:read")]
Writer = Annotated[Principal, requires("retention:write")]


@router.get("/policies", response_model=PolicyPages)
async def read_policies(
    request: Request, agency: str | None = None, language: Literal["da", "en"] | None = None
) -> PolicyPages | Response:
    """Say what is kept, how long and what for, as it runs; for everybody. JSON, or HTML for a browser (by Accept)."""
    publisher: Publisher = request.app.state.publisher
    pages = unwrap(await publisher.pages(agency))
    if not _wants_html(request.headers.get("accept", "")):
        return pages
    chosen = language or language_of(request)
    text = page.html(pages.agencies, chosen, pages.generated_at, complete=pages.complete)
    return HTMLResponse(text, headers={"content-language": chosen, "vary": "Accept, Accept-Language"})


def _wants_html(accept: str) -> bool:
    """Say whether HTML is named before JSON and anything; browsers do so, other clients do not."""
    kinds = [part.partition(";")[0].strip() for part in accept.lower().split(",")]
    return "text/html" in kinds and "application/json" not in kinds[: kinds.index("text/html")]


@router.get("/policies/proposals")
async def read_proposals(
    context: Context, principal: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[Proposal]:
    """Return the newest proposals with what became of them."""
    return await actions.page(context, principal, limit)


@router.post("/policies/proposals", status_code=201)
async def propose(wanted: ProposalWanted, context: Context, principal: Writer) -> Proposal:
    """Propose a change of a policy of the bearer's library; a second person must approve it."""
    return unwrap(await actions.propose(context, principal, wanted))


@router.get("/policies/proposals/{proposal_id}/preview")
async def preview(proposal_id: int, context: Context, principal: Reader) -> Preview:
    """Say how many records the change makes due at its effective time, and the oldest of them."""
    return unwrap(await actions.preview(context, principal, proposal_id))


@router.post("/policies/proposals/{proposal_id}/approval")
async def approve(proposal_id: int, approval: Approval, context: Context, principal: Writer) -> Proposal:
    """Adopt a change that somebody else proposed; `records` is the number of the preview."""
    return unwrap(await actions.approve(context, principal, proposal_id, approval.records))


@router.delete("/policies/proposals/{proposal_id}")
async def withdraw(proposal_id: int, context: Context, principal: Writer) -> Proposal:
    """Take back a change that is not adopted yet; that it was proposed stays on record."""
    return unwrap(await actions.withdraw(context, principal, proposal_id))
