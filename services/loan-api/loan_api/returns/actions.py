"""Checking in: the loan ends, its clock starts, lateness costs, and the next in the queue gets the item, as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from glem.database import Transaction
from glem.problems import Refusal
from glem_contracts.events import LoanReturned, ReservationReady
from glem_contracts.events.envelope import RecordClock
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.base import row_of
from loan_api.borrowers.problems import UNKNOWN_BRANCH
from loan_api.borrowers.store import lock_borrower
from loan_api.borrowers.tables import BorrowerRow
from loan_api.debts.of_loans import raise_for_return, waive_compensation
from loan_api.debts.store import lock_debts
from loan_api.debts.tables import DebtRow
from loan_api.loans.rules import event_time, is_due, is_late
from loan_api.loans.schemas import LoanView
from loan_api.loans.store import lock_loan
from loan_api.loans.tables import LoanRow
from loan_api.reservations.actions import shelf_of, tell_ready
from loan_api.reservations.actions import view as reservation_view
from loan_api.reservations.schemas import ReservationView
from loan_api.reservations.store import find as find_reservation
from loan_api.reservations.store import pass_on
from loan_api.returns import store
from loan_api.returns.problems import NOT_ON_LOAN
from loan_api.returns.schemas import CheckIn
from loan_api.works.problems import UNKNOWN_ITEM
from loan_api.works.store import find_item


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """What a return did; `loan` is None for an item that was not lent and only passed on to the queue."""

    loan: LoanView | None
    debts: Sequence[DebtRow]
    reservation: ReservationView | None


@again
async def check_in(
    runtime: Runtime, lending: Lending, agency: str, wish: CheckIn, key: str | None
) -> CheckedIn | Refusal:
    """Take an item back. A repeated request with the same `key` is answered alike and changes nothing."""
    if wish.branch not in runtime.agencies[agency].identity.branches:
        return UNKNOWN_BRANCH(branch=wish.branch)
    async with runtime.database.transaction() as tx:
        record = await store.read(tx, agency, wish.item, key)
        if record is None:
            return await _not_lent(runtime, tx, lending, agency, wish, key)
        rules, borrower = lending[agency], row_of(BorrowerRow, record)
        returned_at = event_time(wish.returned_at, tx.now, not_before=record["loaned_at"])
        if isinstance(returned_at, Refusal):
            return returned_at
        shelf = shelf_of(tx, rules, agency, record["item_id"], record["work_id"])
        late = is_late(record["due_on"], returned_at)
        foreseen = RecordClock(
            record_class="loan", record_id=record["loan_id"], version=record["clock_version"] + 1, anchor=returned_at
        )
        returned = LoanReturned(
            patron_id=borrower.patron_id,
            branch=wish.branch,
            returned_at=returned_at,
            late=late,
            receipt=wish.receipt,
            clocks=[foreseen],
        )
        told = tx.outbox_row(agency, foreseen.record_id, returned)
        closed = await store.close(tx, rules.fee_scope, shelf, foreseen.record_id, returned_at, key, told)
        loan = row_of(LoanRow, closed)
        if loan.anchor != returned_at:
            tx.record(agency, loan.loan_id, returned.model_copy(update={"clocks": [loan.clock]}))
        debts: Sequence[DebtRow] = []
        if late:
            raised = await raise_for_return(tx, rules, borrower, loan, returned_at, agencies=runtime.agencies)
            debts = raised.debts
        _tell_reserver(tx, agency, closed)
        return CheckedIn(_view(record, loan), debts, await _reservation(tx, closed["reservation_id"]))


def _view(record: asyncpg.Record, loan: LoanRow) -> LoanView:
    return LoanView(
        loan_id=loan.loan_id,
        patron_id=loan.patron_id,
        item=record["barcode"],
        work_id=loan.work_id,
        title=record["title"],
        creator=record["creator"],
        type=record["type"],
        branch=loan.branch,
        loaned_at=loan.loaned_at,
        due_on=loan.due_on,
        renewals=loan.renewals,
        returned_at=loan.returned_at,
        closed_as=loan.closed_as,
    )


async def _reservation(tx: Transaction, reservation_id: int | None) -> ReservationView | None:
    found = await find_reservation(tx, reservation_id) if reservation_id is not None else None
    return None if found is None else reservation_view(found)


def _tell_reserver(tx: Transaction, agency: str, closed: asyncpg.Record) -> None:
    if closed["reservation_id"] is not None:
        ready = ReservationReady(
            patron_id=closed["reserver"],
            pickup_branch=closed["pickup_branch"],
            pickup_deadline=closed["pickup_deadline"],
            pickup_number=closed["pickup_number"],
        )
        tx.record(agency, closed["reservation_id"], ready)


async def _not_lent(
    runtime: Runtime, tx: Transaction, lending: Lending, agency: str, wish: CheckIn, key: str | None
) -> CheckedIn | Refusal:
    """Answer for an item without an open loan: returned before, found again, or fetched from its place for the queue."""
    item = await find_item(tx, agency, wish.item)
    if item is None:
        return UNKNOWN_ITEM()
    before = await store.answered_before(tx, item["item_id"], key) if key is not None else None
    loan = await lock_loan(tx, before) if before is not None else None
    if loan is not None and not is_due(loan.anchor, runtime.agencies.cutoff(agency, "loan", tx.now)):
        fees = await lock_debts(tx, await store.debts_raised_by(tx, loan.loan_id))
        return CheckedIn(_view(item, loan), fees, None)
    loss = await store.loss_of(tx, item["item_id"]) if item["state"] == "lost" else None
    if loss is not None:
        await lock_borrower(tx, loss[1])
    state = await store.lock_item(tx, item["item_id"])
    if state not in {"lost", "available"}:
        return NOT_ON_LOAN()
    found = await lock_loan(tx, loss[0]) if loss is not None and state == "lost" else None
    if found is not None and not is_due(found.anchor, runtime.agencies.cutoff(agency, "loan", tx.now)):
        await waive_compensation(tx, lending[agency], found, agencies=runtime.agencies)
    ready = await pass_on(tx, shelf_of(tx, lending[agency], agency, item["item_id"], item["work_id"]))
    tell_ready(tx, ready)
    if ready is None and state == "available":
        return NOT_ON_LOAN()
    loan_view = None if found is None else _view(item, found)
    return CheckedIn(loan_view, [], await _reservation(tx, ready.reservation_id if ready else None))
