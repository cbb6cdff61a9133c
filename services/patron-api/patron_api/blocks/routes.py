"""Blocks over HTTP; staff only."""

from typing import Annotated

from fastapi import APIRouter

from glem.identity import Principal, requires
from glem.problems import unwrap
from patron_api.access import whose
from patron_api.blocks import actions
from patron_api.blocks.rules import Code
from patron_api.blocks.schemas import NewBlock
from patron_api.context import Api

router = APIRouter(tags=["patrons"])
Writer = Annotated[Principal, requires("patrons:write")]


@router.post("/patrons/{patron_id}/blocks", status_code=201)
async def set_block(patron_id: str, new: NewBlock, api: Api, caller: Writer) -> NewBlock:
    """Block a patron from now."""
    unwrap(await actions.set_block(api, whose(patron_id, caller, "patrons:write"), new.code, new.reason, caller))
    return new


@router.delete("/patrons/{patron_id}/blocks/{code}", status_code=204)
async def lift_block(patron_id: str, code: Code, api: Api, caller: Writer) -> None:
    """Lift a block."""
    unwrap(await actions.lift_block(api, whose(patron_id, caller, "patrons:write"), code, caller))
