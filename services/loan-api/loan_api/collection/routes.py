"""HTTP of collection; for staff."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from glem.identity import Principal, requires
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.collection import actions
from loan_api.collection.schemas import Closure, CollectedDebt
from loan_api.debts.actions import Desk as DebtDesk

router = APIRouter(tags=["debts"])


async def _desk(context: Context, lending: LendingContext) -> DebtDesk:
    return DebtDesk(context, lending)


Desk = Annotated[DebtDesk, Depends(_desk)]
Staff = Annotated[Principal, requires("debts:write")]
RaisedUntil = Annotated[date | None, Query(description="By default three years ago, the period of limitation.")]


@router.get("/debts/in-collection")
async def barred(desk: Desk, caller: Staff, older_than: RaisedUntil = None) -> list[CollectedDebt]:
    """List open debts in collection that were raised on or before a day: they hold loans, and somebody must decide (H19)."""
    found = await actions.barred(desk, caller, older_than)
    return [CollectedDebt.model_validate(dict(record)) for record in found]


@router.post("/debts/{debt_id}/collection")
async def send(debt_id: RecordId, desk: Desk, caller: Staff) -> CollectedDebt:
    """Hand an open debt over to the collector; it stays open until its closure is reported."""
    return CollectedDebt.model_validate(dict(unwrap(await actions.send(desk, caller, debt_id))))


@router.post("/debts/{debt_id}/collection/closure")
async def close(debt_id: RecordId, closure: Closure, desk: Desk, caller: Staff) -> CollectedDebt:
    """Report the collector's closure: the debt is settled at this instant."""
    return CollectedDebt.model_validate(dict(unwrap(await actions.close(desk, caller, debt_id, closure.outcome))))
