"""HTTP about debts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from glem.identity import Principal, requires, requires_any
from glem.problems import unwrap
from glem_contracts.ids import RecordId
from glem_contracts.receipts import Receipt
from glem_retention.runtime import Context
from loan_api.agency import LendingContext
from loan_api.borrowers.access import about
from loan_api.borrowers.actions import meet
from loan_api.debts import actions
from loan_api.debts.schemas import (
    DebtAccount,
    DebtShown,
    DebtWithLedger,
    EntryShown,
    Material,
    NewDebt,
    NewPayment,
    PaymentShown,
    Share,
    Waiver,
)
from loan_api.fields import Key, PatronId

router = APIRouter(tags=["debts"])


async def _desk(context: Context, lending: LendingContext) -> actions.Desk:
    return actions.Desk(context, lending)


Desk = Annotated[actions.Desk, Depends(_desk)]
Reader = Annotated[Principal, requires_any("self", "circulation:read")]
Payer = Annotated[Principal, requires_any("self", "debts:write")]
Staff = Annotated[Principal, requires("debts:write")]
OrderPath = Annotated[str, Path(max_length=64)]


@router.get("/patrons/{patron_id}/debts")
async def show_debts(patron_id: PatronId, caller: Reader, desk: Desk) -> DebtAccount:
    """Show what a patron owes (R51), with titles while the material is kept; to the patron (`me`) and to staff."""
    borrower = unwrap(await meet(desk.runtime, about(caller, patron_id, others="circulation:read")))
    found = unwrap(await actions.account(desk, caller, patron_id=borrower.patron_id))
    return DebtAccount(
        patron_id=found.patron_id, balance=found.balance, debts=[_shown(viewed) for viewed in found.debts]
    )


@router.get("/debts/{debt_id}")
async def show_debt(debt_id: RecordId, caller: Reader, desk: Desk) -> DebtWithLedger:
    """Show a debt and its ledger, to its patron and to staff."""
    viewed, entries = unwrap(await actions.debt_and_ledger(desk, caller, debt_id=debt_id))
    ledger = [EntryShown.model_validate(entry) for entry in entries]
    return DebtWithLedger(**_shown(viewed).model_dump(), ledger=ledger)


@router.get("/debts/{debt_id}/receipts")
async def give_receipts(debt_id: RecordId, caller: Reader, desk: Desk, response: Response) -> list[Receipt]:
    """Give what lets the patron check after their erasure that a debt's material, and the debt, went; to be kept."""
    response.headers["cache-control"] = "no-store"
    return unwrap(await actions.receipts(desk, caller, debt_id=debt_id))


@router.post("/debts", status_code=201)
async def raise_debt(order: NewDebt, caller: Staff, desk: Desk, response: Response, key: Key = None) -> DebtShown:
    """Raise a debt by hand: 201 when it was raised, 200 when this key had raised it before."""
    unwrap(await meet(desk.runtime, order.patron_id))
    viewed = await actions.raise_debt(
        desk,
        caller,
        patron_id=order.patron_id,
        loan_id=order.loan_id,
        kind=order.kind,
        amount=order.amount,
        cause=order.cause,
        key=key,
    )
    raised = unwrap(viewed)
    response.status_code = 201 if raised.is_new else 200
    return _shown(raised)


@router.post("/payments", status_code=201)
async def pay(order: NewPayment, caller: Payer, desk: Desk, response: Response) -> PaymentShown:
    """Pay a patron's debts, whole or in part: 201 when the payment was taken, 200 when this order had been taken before."""
    borrower = unwrap(await meet(desk.runtime, about(caller, order.patron_id, others="debts:write")))
    paid = unwrap(
        await actions.pay(
            desk,
            caller,
            order_id=order.order_id,
            patron_id=borrower.patron_id,
            amount=order.amount,
            debt_ids=order.debt_ids,
        )
    )
    response.status_code = 201 if paid.is_new else 200
    return _payment(paid)


@router.post("/payments/{order_id}/reversal")
async def reverse(order_id: OrderPath, caller: Staff, desk: Desk) -> PaymentShown:
    """Take a payment back: what it paid is owed again (H13)."""
    return _payment(unwrap(await actions.reverse_payment(desk, caller, order_id=order_id)))


@router.post("/debts/{debt_id}/waiver")
async def waive(debt_id: RecordId, order: Waiver, caller: Staff, desk: Desk, key: Key = None) -> DebtShown:
    """Waive a debt, whole or in part (H17); with a key once, however often it is tried."""
    waived = await actions.waive(desk, caller, debt_id=debt_id, amount=order.amount, key=key)
    return _shown(unwrap(waived))


def _shown(viewed: actions.Viewed) -> DebtShown:
    shown = DebtShown.model_validate(viewed.debt)
    return shown.model_copy(
        update={
            "materials": [
                Material(loan_id=m.loan_id, work_id=m.work_id, title=m.title, creator=m.creator)
                for m in viewed.materials
            ]
        }
    )


def _payment(paid: actions.Paid) -> PaymentShown:
    return PaymentShown(
        order_id=paid.payment.order_id,
        patron_id=paid.payment.patron_id,
        amount=paid.payment.amount,
        at=paid.payment.at,
        reversed_at=paid.payment.reversed_at,
        shares=[Share(debt_id=entry.debt_id, amount=-entry.amount) for entry in paid.entries],
    )
