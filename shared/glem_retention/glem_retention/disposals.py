"""The owner's side of disposals: the routes for orders and for the audit.

An owner gives its `Disposer`s to `disposal_router`; they decide what may be erased. Repeating an order is harmless: the answer for
a record that does not exist is `gone`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Request

from glem.database import Database, Transaction
from glem.identity import requires
from glem.problems import UNKNOWN_AGENCY, ProblemType, RefusedError
from glem_contracts.disposals import LARGEST_LOOK, DisposalOrder, DisposalOutcome, OverdueRecord

UNKNOWN_CLASS = ProblemType(
    "unknown-record-class",
    404,
    "Denne tjeneste har ingen poster af typen {record_class}.",
    "This service has no records of class {record_class}.",
)


class Disposer(Protocol):
    """Disposes of records of one class. A record is due if its anchor is at or before `cutoff`."""

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase or redact due records in bulk, and record an event that lists them in `erased`."""

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return records past their period, oldest first, by the facts and not by the stored anchor."""


def disposal_router(disposers: Mapping[str, Disposer]) -> APIRouter:
    """Return the routes `POST /disposals` and `GET /disposals/overdue` of an owner; only the retention worker may call them."""
    router = APIRouter(tags=["retention"])

    def disposer_of(record_class: str) -> Disposer:
        if record_class not in disposers:
            raise RefusedError(UNKNOWN_CLASS(record_class=record_class))
        return disposers[record_class]

    async def cutoff_of(request: Request, agency: str, record_class: str) -> datetime:
        runtime = request.app.state.runtime
        if agency not in runtime.agencies:
            raise RefusedError(UNKNOWN_AGENCY(agency=agency))
        cutoff: datetime | None = runtime.agencies.cutoff(agency, record_class, await runtime.database.now())
        if cutoff is None:
            raise RefusedError(UNKNOWN_CLASS(record_class=record_class))
        return cutoff

    @router.post("/disposals", dependencies=[requires("retention:dispose")])
    async def dispose(order: DisposalOrder, request: Request) -> DisposalOutcome:
        """Dispose of records that are due; the owner refuses those that are not."""
        disposer = disposer_of(order.record_class)
        cutoff = await cutoff_of(request, order.agency, order.record_class)
        async with request.app.state.runtime.database.transaction() as tx:
            return await disposer.dispose(tx, order, cutoff)

    @router.get("/disposals/overdue", dependencies=[requires("retention:dispose")])
    async def overdue(
        agency: str,
        record_class: str,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=LARGEST_LOOK)] = 100,
    ) -> list[OverdueRecord]:
        """Return the records past their period by the owner's own query, oldest first."""
        disposer = disposer_of(record_class)
        cutoff = await cutoff_of(request, agency, record_class)
        return list(await disposer.overdue(request.app.state.runtime.database, agency, cutoff, limit))

    return router
