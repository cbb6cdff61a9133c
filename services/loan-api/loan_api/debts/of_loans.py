"""Debts of loans: what check-in, closing as lost, coming back and the undoing of a return call, each in its own transaction.

They do so with the borrower locked and the loan row written. The clocks of the loans are moved here, and stand in the events that are recorded here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from glem.clock import end_of_local_day, local_date
from glem.database import Transaction
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import LoanClockMoved
from glem_retention.agencies import Agencies
from loan_api.agency import LendingRules
from loan_api.borrowers.store import lock_borrower
from loan_api.borrowers.tables import BorrowerRow
from loan_api.debts import rules, store
from loan_api.debts.ledger import Books, Move, open_debt, post, reclock
from loan_api.debts.tables import DebtRow
from loan_api.loans.tables import LoanRow


@dataclass(frozen=True, slots=True)
class RaisedDebts:
    """What a return cost, and whether an open debt now holds the loan (its anchor is null then)."""

    debts: list[DebtRow]
    holds: bool


async def raise_for_return(
    tx: Transaction,
    lending: LendingRules,
    borrower: BorrowerRow,
    loan: LoanRow,
    returned_at: datetime,
    *,
    agencies: Agencies,
) -> RaisedDebts:
    """Raise the overdue fee for a loan that came back at `returned_at`, by the price list and the age of now.

    One fee stands for all that one patron had due on one date and returned on one Danish day (H25): a second loan joins the
    first one's fee, whatever has become of it by then (open, paid or waived), and costs nothing. While that fee is open it holds
    the second loan too. A step of 0 øre raises nothing. `loan` is the row as the return has written it.
    """
    books = Books.of(tx, lending, agencies, loan.agency)
    amount = rules.overdue_fee(
        lending,
        patron_group=borrower.patron_group,
        age_band=borrower.age_band,
        due_on=loan.due_on,
        returned_at=returned_at,
    )
    if amount == 0:
        return RaisedDebts([], loan.anchor is None)
    await lock_borrower(tx, loan.patron_id)
    day = local_date(returned_at)
    fee = await store.lock_fee_of_day(
        tx, loan.patron_id, loan.due_on, end_of_local_day(day - timedelta(days=1)), end_of_local_day(day)
    )
    if fee is not None and rules.extent(fee, books.kept) == "whole":
        await store.add_material(tx, fee.debt_id, loan)
        clocks = await reclock(tx, books, loan.patron_id, [fee.debt_id])
        if clocks:
            tx.record(loan.agency, loan.loan_id, LoanClockMoved(clocks=clocks))
        return RaisedDebts([], await store.is_held(tx, loan.loan_id))
    debt = _new_debt(tx, loan, "fee", "overdue", amount)
    await open_debt(tx, books, debt, [loan])
    return RaisedDebts([debt], holds=True)


async def raise_compensation(
    tx: Transaction,
    lending: LendingRules,
    borrower: BorrowerRow,
    loan: LoanRow,
    *,
    cause: Literal["lost", "damaged"],
    amount: int,
    agencies: Agencies,
) -> DebtRow:
    """Raise the compensation for an item that was lost or damaged, in øre; it holds the loan until it is settled."""
    books = Books.of(tx, lending, agencies, borrower.agency)
    debt = _new_debt(tx, loan, "compensation", cause, amount)
    await open_debt(tx, books, debt, [loan])
    return debt


async def waive_compensation(
    tx: Transaction, lending: LendingRules, loan: LoanRow, *, agencies: Agencies
) -> list[DebtRow]:
    """Waive what is still owed for an item that has come back; what was paid stays paid. Returns the debts that were open."""
    books = Books.of(tx, lending, agencies, loan.agency)
    await lock_borrower(tx, loan.patron_id)
    owed = [debt for debt in await store.lock_debts_of_loan(tx, loan.loan_id, "compensation") if debt.balance > 0]
    return await post(tx, books, [Move(debt, "waiver", -debt.balance) for debt in owed]) if owed else []


async def withdraw_overdue_fee(
    tx: Transaction, lending: LendingRules, loan: LoanRow, *, agencies: Agencies
) -> Refusal | None:
    """Take the loan out of its overdue fee, for its return is undone; a fee that has no other loan is withdrawn (`reversal`).

    Returns fee-paid, with nothing changed, when something of the fee is paid: then it stays.
    """
    books = Books.of(tx, lending, agencies, loan.agency)
    await lock_borrower(tx, loan.patron_id)
    fees = [fee for fee in await store.lock_debts_of_loan(tx, loan.loan_id, "fee") if fee.cause == "overdue"]
    for fee in fees:
        if refusal := rules.withdrawable(await store.entries_of_debt(tx, fee.debt_id)):
            return refusal
    for fee in fees:
        left = await store.remove_material(tx, fee.debt_id, loan.loan_id)
        if left == 0 and fee.balance > 0:
            await post(tx, books, [Move(fee, "reversal", -fee.balance)])
    return None


def _new_debt(tx: Transaction, loan: LoanRow, kind: str, cause: str, amount: int) -> DebtRow:
    return DebtRow(
        debt_id=new_id(),
        agency=loan.agency,
        patron_id=loan.patron_id,
        kind=kind,
        cause=cause,
        amount=amount,
        balance=amount,
        raised_at=tx.now,
        due_on=loan.due_on,
    )
