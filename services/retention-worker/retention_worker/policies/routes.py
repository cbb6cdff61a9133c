"""HTTP about policies: the changes of them, and the page for everybody."""

from typing import Annotated

from fastapi import APIRouter, Query

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem.service import Context
from retention_worker.policies import actions
from retention_worker.policies.schemas import Approval, Preview, Proposal, ProposalWanted

router = APIRouter(tags=["policies"])
Reader = Annotated[Principal, requires("retention:read")]
Writer = Annotated[Principal, requires("retention:write")]


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
