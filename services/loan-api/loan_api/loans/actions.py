"""Checking out, renewing and reading loans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import UNAVAILABLE, Refusal
from glem_contracts.events import LoanOpened, LoanRenewed, ReservationFulfilled
from glem_contracts.events.envelope import Erasure
from glem_contracts.receipts import Receipt
from glem_retention.receipts import receipts_of
from glem_retention.runtime import Runtime
from loan_api.again import TRIES, again
from loan_api.agency import Lending, LendingRules
from loan_api.base import Reader, row_of
from loan_api.borrowers.actions import meet
from loan_api.borrowers.problems import UNKNOWN_BRANCH
from loan_api.borrowers.store import find_borrower, lock_borrower
from loan_api.borrowers.tables import BorrowerRow
from loan_api.loans import desk, store
from loan_api.loans.problems import LOAN_GONE
from loan_api.loans.rules import ItemFacts, LoanFacts, event_time, is_due, may_check_out, may_renew
from loan_api.loans.schemas import CheckOut, LoanView
from loan_api.reservations.actions import shelf_of, tell_ready
from loan_api.reservations.store import pass_on
from loan_api.viewings import actions as viewings
from loan_api.viewings.rules import Reason
from loan_api.works.problems import UNKNOWN_ITEM

NOBODY = desk.Queue(None, 0, 0)


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A loan, and whether this request opened it; a repeated one finds it open."""

    loan: LoanView
    new: bool


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks at loans, for what reason, and the watch that is kept over staff who do (R41, H106)."""

    principal: Principal
    reason: Reason
    watch: viewings.Watch

    async def sees(self, runtime: Runtime, lending: Lending, agency: str, loans: Sequence[LoanView]) -> None:
        """Log the ended ones of a patron's loans, when staff is shown them."""
        ended = [loan.loan_id for loan in loans if loan.returned_at is not None]
        if ended:
            await viewings.note(
                runtime,
                lending,
                self.watch,
                self.principal,
                agency=agency,
                patron_id=loans[0].patron_id,
                loan_ids=ended,
                reason=self.reason,
            )


class _Stale(Exception):  # noqa: N818  no error: the desk has changed since it was read
    """What was read is no longer so."""


async def check_out(runtime: Runtime, lending: Lending, agency: str, wish: CheckOut) -> CheckedOut | Refusal:
    """Lend an item to a patron. Repeated and parallel requests make one loan."""
    if wish.branch is not None and wish.branch not in runtime.agencies[agency].identity.branches:
        return UNKNOWN_BRANCH(branch=wish.branch)
    for _ in range(TRIES):
        try:
            outcome = await _check_out(runtime, lending, agency, wish)
        except _Stale:
            continue
        if outcome is not None:
            return outcome
        borrower = await meet(runtime, wish.patron_id)
        if isinstance(borrower, Refusal):
            return borrower
    return UNAVAILABLE()


@again
async def _check_out(runtime: Runtime, lending: Lending, agency: str, wish: CheckOut) -> CheckedOut | Refusal | None:
    """Try once; None for a borrower not met before."""
    async with runtime.database.transaction() as tx:
        record = await desk.read(tx, wish.patron_id, agency, wish.item)
        if record is None:
            return None
        borrower, rules = row_of(BorrowerRow, record), lending[agency]
        if record["item_id"] is None:
            return UNKNOWN_ITEM()
        loaned_at = event_time(wish.checked_out_at, tx.now)
        if isinstance(loaned_at, Refusal):
            return loaned_at
        same = await _same_loan(tx, wish, record)
        if same is not None:
            found = await _visible(runtime, tx, same)
            return (
                found
                if isinstance(found, Refusal)
                else CheckedOut(view(found, borrower, rules, local_date(tx.now)), new=False)
            )
        queue = NOBODY
        if record["wanted"]:
            queue = await desk.read_queue(tx, record["item_id"], borrower.patron_id, local_date(tx.now))
        item = ItemFacts(record["state"], record["type"], record["age_limit"], *queue)
        terms = may_check_out(
            borrower,
            agency,
            rules,
            item,
            open_loans=record["open_loans"],
            uses_age_limits=lending.uses_age_limits(agency),
            loaned_at=loaned_at,
        )
        if isinstance(terms, Refusal):
            return terms
        loan = desk.NewLoan(
            loan_id=new_id(),
            agency=agency,
            patron_id=borrower.patron_id,
            item_id=record["item_id"],
            state=item.state,
            max_loans=terms.max_loans,
            work_id=record["work_id"],
            branch=wish.branch or record["item_branch"],
            loaned_at=loaned_at,
            due_on=terms.due_on,
        )
        opened = LoanOpened(patron_id=loan.patron_id, branch=loan.branch, due_on=loan.due_on, receipt=wish.receipt)
        written = await desk.write(tx, loan, tx.outbox_row(agency, loan.loan_id, opened))
        if written is None:
            raise _Stale
        if written["reservation_id"] is not None:
            await _fulfil(tx, rules, loan, written)
    return CheckedOut(_new_view(loan, wish.item, record), new=True)


async def _same_loan(tx: Transaction, wish: CheckOut, record: asyncpg.Record) -> int | None:
    """Return the loan that an earlier try of this request made: the patron's open one, or what an automat tells of again."""
    if wish.checked_out_at is not None:
        begun = await store.loan_begun(tx, wish.patron_id, record["item_id"], wish.checked_out_at)
        if begun is not None:
            return begun
    if record["state"] != "on-loan":
        return None
    return await store.open_loan_of(tx, record["item_id"], wish.patron_id)


async def _fulfil(tx: Transaction, rules: LendingRules, loan: desk.NewLoan, written: asyncpg.Record) -> None:
    reservation_id, shelved = written["reservation_id"], written["shelved_item"]
    erased = [Erasure(record_class="reservation", record_ids=[reservation_id])]
    tx.record(loan.agency, reservation_id, ReservationFulfilled(patron_id=loan.patron_id, erased=erased))
    if shelved is not None and shelved != loan.item_id:
        tell_ready(tx, await pass_on(tx, shelf_of(tx, rules, loan.agency, shelved, loan.work_id)))


def _new_view(loan: desk.NewLoan, barcode: str, record: asyncpg.Record) -> LoanView:
    return LoanView(
        loan_id=loan.loan_id,
        patron_id=loan.patron_id,
        item=barcode,
        work_id=loan.work_id,
        title=record["title"],
        creator=record["creator"],
        type=record["type"],
        branch=loan.branch,
        loaned_at=loan.loaned_at,
        due_on=loan.due_on,
        renewals=0,
    )


@again
async def renew(runtime: Runtime, lending: Lending, principal: Principal, loan_id: int) -> LoanView | Refusal:
    """Give a loan a later due date."""
    async with runtime.database.transaction() as tx:
        found = await _visible(runtime, tx, loan_id)
        if isinstance(found, Refusal):
            return found
        principal.at(found["agency"])
        principal.about(found["patron_id"], others="circulation:write")
        borrower = await lock_borrower(tx, found["patron_id"])
        locked = await store.find(tx, loan_id, local_date(tx.now))
        if locked is None or borrower is None:
            return LOAN_GONE()
        rules = lending[borrower.agency]
        due_on = may_renew(borrower, rules, _facts(locked), local_date(tx.now))
        if isinstance(due_on, Refusal):
            return due_on
        renewals = await store.renew(tx, loan_id, due_on)
        tx.record(borrower.agency, loan_id, LoanRenewed(patron_id=borrower.patron_id, due_on=due_on, renewals=renewals))
        renewed = await store.find(tx, loan_id, local_date(tx.now))
        return LOAN_GONE() if renewed is None else view(renewed, borrower, rules, local_date(tx.now))


async def show(runtime: Runtime, lending: Lending, looker: Looker, loan_id: int) -> LoanView | Refusal:
    """Return a loan that is not due; that staff sees an ended one is logged."""
    found = await _visible(runtime, runtime.database, loan_id)
    if isinstance(found, Refusal):
        return found
    looker.principal.at(found["agency"])
    looker.principal.about(found["patron_id"], others="circulation:read")
    loan = await read(runtime, lending, loan_id)
    if not isinstance(loan, Refusal):
        await looker.sees(runtime, lending, found["agency"], [loan])
    return loan


async def read(runtime: Runtime, lending: Lending, loan_id: int) -> LoanView | Refusal:
    """Return a loan that is not due, to a caller whose right to it has been seen to."""
    found = await _visible(runtime, runtime.database, loan_id)
    if isinstance(found, Refusal):
        return found
    borrower = await find_borrower(runtime.database, found["patron_id"])
    today = local_date(runtime.clock.now())
    return LOAN_GONE() if borrower is None else view(found, borrower, lending[found["agency"]], today)


async def receipt(runtime: Runtime, principal: Principal, loan_id: int) -> Receipt | Refusal:
    """Return what lets the patron check later that a loan was erased; refuses as `receipts_of` does."""
    found = await _visible(runtime, runtime.database, loan_id)
    if isinstance(found, Refusal):
        return found
    principal.at(found["agency"])
    principal.about(found["patron_id"], others="circulation:read")
    receipts = await receipts_of(runtime.clients, ["loan"], loan_id)
    return receipts if isinstance(receipts, Refusal) else receipts[0]


async def of_patron(runtime: Runtime, lending: Lending, looker: Looker, borrower: BorrowerRow) -> list[LoanView]:
    """Return a patron's loans that are not due: the open ones, and those of the last days (R33, R34)."""
    now = runtime.clock.now()
    cutoff = runtime.agencies.cutoff(borrower.agency, "loan", now)
    records = await store.of_patron(runtime.database, borrower.patron_id, local_date(now), cutoff)
    loans = [view(record, borrower, lending[borrower.agency], local_date(now)) for record in records]
    await looker.sees(runtime, lending, borrower.agency, loans)
    return loans


async def _visible(runtime: Runtime, reader: Reader, loan_id: int) -> asyncpg.Record | Refusal:
    now = runtime.clock.now()
    found = await store.find(reader, loan_id, local_date(now))
    if found is None or is_due(found["anchor"], runtime.agencies.cutoff(found["agency"], "loan", now)):
        return LOAN_GONE()
    return found


def view(record: asyncpg.Record, borrower: BorrowerRow, rules: LendingRules, today: date) -> LoanView:
    """Shape a loan as `store.find` reads it, with the answer that a renewal would get now."""
    renewal = may_renew(borrower, rules, _facts(record), today)
    return LoanView(
        loan_id=record["loan_id"],
        patron_id=record["patron_id"],
        item=record["item"],
        work_id=record["work_id"],
        title=record["title"],
        creator=record["creator"],
        type=record["type"],
        branch=record["branch"],
        loaned_at=record["loaned_at"],
        due_on=record["due_on"],
        renewals=record["renewals"],
        returned_at=record["returned_at"],
        closed_as=record["closed_as"],
        renewal=str(renewal.params["fbs"]) if isinstance(renewal, Refusal) else None,
    )


def _facts(record: asyncpg.Record) -> LoanFacts:
    return LoanFacts(
        record["returned_at"],
        record["due_on"],
        record["renewals"],
        record["type"],
        record["ahead"],
        record["free"],
    )
