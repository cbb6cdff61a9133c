"""HTTP about the log: open to everyone, except for issuing and disputing receipts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.receipts import Receipt, ReceiptsWanted
from retention_worker.log.actions import Log
from retention_worker.log.schemas import (
    Consistency,
    Disputed,
    DisputeWanted,
    Head,
    Inclusion,
    Leaves,
    ReceiptProof,
)

router = APIRouter(tags=["log"])

FOREVER = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=1"
AN_HOUR = "public, max-age=3600"
LARGEST_SIZE = 2**48
Size = Annotated[int, Query(ge=0, le=LARGEST_SIZE)]


async def _log_of(request: Request) -> Log:
    found: Log = request.app.state.log
    return found


TheLog = Annotated[Log, Depends(_log_of)]


@router.get("/log/head")
async def read_head(log: TheLog, response: Response) -> Head:
    """Return the newest signed tree head."""
    response.headers["cache-control"] = A_MOMENT
    return unwrap(await log.head())


@router.get("/log/key")
async def read_key(log: TheLog, response: Response) -> dict[str, str]:
    """Return the log's public key as a JSON Web Key; its `kid` is the log's id."""
    response.headers["cache-control"] = AN_HOUR
    return (await log.signer()).jwk()


@router.get("/log/leaves")
async def read_leaves(
    log: TheLog, response: Response, start: Size = 0, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> Leaves:
    """Return the contents of signed leaves, in order."""
    page = unwrap(await log.leaves(start, limit))
    response.headers["cache-control"] = A_MOMENT
    return page


@router.get("/log/proof/inclusion")
async def prove_inclusion(log: TheLog, response: Response, index: Size, size: Size) -> Inclusion:
    """Prove that leaf `index` is in the tree of `size` leaves."""
    proof = unwrap(await log.inclusion(index, size))
    response.headers["cache-control"] = FOREVER
    return proof


@router.get("/log/proof/consistency")
async def prove_consistency(log: TheLog, response: Response, first: Size, second: Size) -> Consistency:
    """Prove that the tree of `second` leaves begins with the tree of `first`: nothing was removed or changed."""
    proof = unwrap(await log.consistency(first, second))
    response.headers["cache-control"] = FOREVER
    return proof


@router.get("/log/receipts/{commitment}")
async def read_receipt(
    log: TheLog, response: Response, commitment: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> ReceiptProof:
    """Return the proof that the record behind a commitment was erased; 404 before the erasure."""
    proof = unwrap(await log.receipt(bytes.fromhex(commitment)))
    response.headers["cache-control"] = "no-cache"
    return proof


@router.post("/receipts")
async def issue_receipts(
    wanted: ReceiptsWanted, log: TheLog, principal: Annotated[Principal, requires("receipts:issue")], response: Response
) -> list[Receipt]:
    """Return receipts, by which patrons can check the erasure of their records later; only for the owner of the records."""
    agency = None if principal.agency == "*" else principal.agency
    response.headers["cache-control"] = "no-store"
    return await log.issue(agency, wanted.record_class, wanted.record_ids)


@router.post("/log/disputes", status_code=201)
async def dispute_receipt(
    wanted: DisputeWanted, log: TheLog, principal: Annotated[Principal, requires("retention:write")]
) -> Disputed:
    """Append to the log that a record was found after its receipt was given; removes nothing."""
    return unwrap(await log.dispute(principal, wanted.index, wanted.reason))
