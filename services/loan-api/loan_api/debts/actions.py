"""What is done with debts: raise, pay, reverse, waive, look. Debts that loans bring with them are in `of_loans`.

Each takes the `caller`, whose agency and right to the patron are tried against the record (raises RefusedError).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.receipts import Receipt
from glem_retention.receipts import receipts_of
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.base import Reader
from loan_api.borrowers.problems import UNKNOWN_PATRON
from loan_api.borrowers.store import find_borrower, lock_borrower
from loan_api.debts import erasure, rules, store
from loan_api.debts.ledger import Books, Move, open_debt, post
from loan_api.debts.problems import (
    DEBT_GONE,
    KEY_MISMATCH,
    LOAN_OF_ANOTHER,
    ORDER_MISMATCH,
    PAYMENT_UNKNOWN,
)
from loan_api.debts.tables import DebtRow, EntryRow, PaymentRow
from loan_api.loans.problems import LOAN_GONE
from loan_api.loans.rules import is_due
from loan_api.loans.store import lock_loan


@dataclass(frozen=True, slots=True)
class Desk:
    """Where debts are handled: the service's runtime and the agencies' lending rules."""

    runtime: Runtime
    lending: Lending

    def books(self, tx: Transaction, agency: str) -> Books:
        """Return the books of `agency` at the transaction's time."""
        return Books.of(tx, self.lending[agency], self.runtime.agencies, agency)

    def kept(self, agency: str) -> rules.Keeping:
        """Return what the policies of `agency` mean now."""
        return rules.keeping(self.runtime.agencies, agency, self.runtime.clock.now())


@dataclass(frozen=True, slots=True)
class Material:
    """What a debt is for."""

    loan_id: int
    work_id: str
    title: str | None
    creator: str | None


@dataclass(frozen=True, slots=True)
class Viewed:
    """A debt as it may be seen, with its material while that is kept; `is_new` unless this request was answered before."""

    debt: DebtRow
    materials: list[Material]
    is_new: bool = True

    @property
    def loan_ids(self) -> set[int]:
        """The loans that it is for, as far as that may be seen."""
        return {material.loan_id for material in self.materials}


@dataclass(frozen=True, slots=True)
class Account:
    """What a patron owes, and all debts that may be seen."""

    patron_id: int
    balance: int
    debts: list[Viewed]


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, what it paid, and whether it was taken just now (not at an earlier try)."""

    payment: PaymentRow
    entries: list[EntryRow]
    is_new: bool = False


@again
async def raise_debt(
    desk: Desk,
    caller: Principal,
    *,
    patron_id: int,
    loan_id: int | None,
    kind: Literal["fee", "compensation"],
    amount: int,
    cause: str,
    key: str | None = None,
) -> Viewed | Refusal:
    """Raise a debt by hand, for a loan or for none; one with a `key` once, however often it is tried.

    Refuses with unknown-patron; loan-gone for a loan that is due or erased (H11, H12: the loan's row is locked); loan-of-another;
    idempotency-key-mismatch; debt-gone for one that was raised with this key and is no more.
    """
    async with desk.runtime.database.transaction() as tx:
        borrower = await lock_borrower(tx, patron_id)
        if borrower is None or borrower.erased:
            return UNKNOWN_PATRON()
        caller.at(borrower.agency)
        books = desk.books(tx, borrower.agency)
        earlier = await store.entry_of_order(tx, borrower.agency, "raised", key) if key else None
        if earlier is not None:
            raised = await store.find_debt(tx, earlier.debt_id)
            if raised is None or (raised.patron_id, raised.kind, raised.amount) != (patron_id, kind, amount):
                return KEY_MISMATCH()
            viewed = await _as_before(tx, raised, books)
            is_same = isinstance(viewed, Refusal) or viewed.debt.redacted or viewed.loan_ids == ({loan_id} - {None})
            return viewed if is_same else KEY_MISMATCH()
        loan = None if loan_id is None else await lock_loan(tx, loan_id)
        if loan_id is not None and (loan is None or is_due(loan.anchor, books.kept.loans)):
            return LOAN_GONE()
        if loan is not None and loan.patron_id != patron_id:
            return LOAN_OF_ANOTHER()
        debt = DebtRow(
            debt_id=new_id(),
            agency=borrower.agency,
            patron_id=patron_id,
            kind=kind,
            cause=cause,
            amount=amount,
            balance=amount,
            raised_at=tx.now,
            due_on=loan.due_on if loan is not None else None,
        )
        await open_debt(tx, books, debt, [loan] if loan is not None else [], key)
        return (await _view(tx, [debt], books.kept))[0]


@again
async def pay(
    desk: Desk, caller: Principal, *, order_id: str, patron_id: int, amount: int, debt_ids: Sequence[int] | None
) -> Paid | Refusal:
    """Take a payment, whole or in part, once per order id.

    Refuses with unknown-patron, order-mismatch, debt-gone (a named one), payment-over-debt; nothing is changed then.
    """
    async with desk.runtime.database.transaction() as tx:
        borrower = await lock_borrower(tx, patron_id)
        if borrower is None or borrower.erased:
            return UNKNOWN_PATRON()
        caller.at(borrower.agency)
        books = desk.books(tx, borrower.agency)
        earlier = await store.find_payment(tx, borrower.agency, order_id)
        if earlier is not None:
            return await _again(tx, books, earlier, patron_id, amount)
        shares = rules.allocate(await _payable(tx, books, patron_id, debt_ids), amount, debt_ids)
        if isinstance(shares, Refusal):
            return shares
        payment = PaymentRow(borrower.agency, order_id, patron_id, amount, tx.now, None)
        if not await store.claim_order(tx, payment):
            return ORDER_MISMATCH()
        await post(tx, books, [Move(debt, "payment", -share, order_id) for debt, share in shares])
        return Paid(payment, await store.entries_of_order(tx, borrower.agency, order_id), is_new=True)


async def _payable(tx: Transaction, books: Books, patron_id: int, debt_ids: Sequence[int] | None) -> list[DebtRow]:
    if debt_ids is None:
        return await store.lock_open_debts(tx, patron_id)
    return [
        debt
        for debt in await store.lock_debts(tx, debt_ids)
        if debt.patron_id == patron_id and rules.extent(debt, books.kept) != "gone"
    ]


async def _again(tx: Transaction, books: Books, earlier: PaymentRow, patron_id: int, amount: int) -> Paid | Refusal:
    if (earlier.patron_id, earlier.amount) != (patron_id, amount):
        return ORDER_MISMATCH()
    return Paid(earlier, await _visible_entries(tx, books, earlier))


async def _visible_entries(tx: Transaction, books: Books, payment: PaymentRow) -> list[EntryRow]:
    entries = await store.entries_of_order(tx, payment.agency, payment.order_id)
    debts = await store.lock_debts(tx, [entry.debt_id for entry in entries])
    visible = {debt.debt_id for debt in debts if rules.extent(debt, books.kept) != "gone"}
    return [entry for entry in entries if entry.debt_id in visible]


@again
async def reverse_payment(desk: Desk, caller: Principal, *, order_id: str) -> Paid | Refusal:
    """Take a payment back (a chargeback): the debts that it paid are open again, and hold their loans (H13). Once per order.

    Refuses with payment-unknown, and debt-gone when a debt that it paid is due or erased. One whose material is due is
    redacted on the way and opens without it; its clock stays due, for the register's line comes by the worker's order.
    """
    async with desk.runtime.database.transaction() as tx:
        payment = await store.find_payment(tx, caller.agency, order_id)
        if payment is None:
            return PAYMENT_UNKNOWN()
        await lock_borrower(tx, payment.patron_id)
        payment = await store.find_payment(tx, caller.agency, order_id)
        if payment is None:
            return PAYMENT_UNKNOWN()
        books = desk.books(tx, payment.agency)
        entries = await _visible_entries(tx, books, payment)
        if not entries:
            return PAYMENT_UNKNOWN()
        if payment.reversed_at is not None:
            return Paid(payment, entries)
        if refusal := rules.reversible(payment.amount, entries):
            return refusal
        await _reopen(tx, books, entries, order_id)
        await store.mark_reversed(tx, payment, tx.now)
        taken_back = await store.find_payment(tx, payment.agency, order_id)
        return Paid(taken_back or payment, entries)


async def _reopen(tx: Transaction, books: Books, entries: Sequence[EntryRow], order_id: str) -> None:
    debts = {debt.debt_id: debt for debt in await store.lock_debts(tx, [entry.debt_id for entry in entries])}
    fading = [
        debt.debt_id for debt in debts.values() if not debt.redacted and rules.extent(debt, books.kept) == "amount"
    ]
    if fading:
        await erasure.redact(tx, fading)
        debts |= {debt_id: rules.without_material(debts[debt_id]) for debt_id in fading}
    moves = [Move(debts[entry.debt_id], "reversal", -entry.amount, order_id) for entry in entries]
    await post(tx, books, moves)


@again
async def waive(
    desk: Desk, caller: Principal, *, debt_id: int, amount: int | None, key: str | None = None
) -> Viewed | Refusal:
    """Waive a debt, whole or in part; with nothing left it is settled (H17). With a `key` once, however often it is tried.

    Refuses with debt-gone, waiver-over-debt, idempotency-key-mismatch.
    """
    async with desk.runtime.database.transaction() as tx:
        debt = await store.find_debt(tx, debt_id)
        if debt is None:
            return DEBT_GONE()
        caller.at(debt.agency)
        await lock_borrower(tx, debt.patron_id)
        books = desk.books(tx, debt.agency)
        locked = await store.lock_debts(tx, [debt_id])
        if not locked or rules.extent(locked[0], books.kept) == "gone":
            return DEBT_GONE()
        earlier = await store.entry_of_order(tx, debt.agency, "waiver", key) if key else None
        if earlier is not None:
            is_same = earlier.debt_id == debt_id and amount in {None, -earlier.amount}
            return await _as_before(tx, locked[0], books) if is_same else KEY_MISMATCH()
        share = rules.waivable(locked[0], amount)
        if isinstance(share, Refusal):
            return share
        return (await _view(tx, await post(tx, books, [Move(locked[0], "waiver", -share, key)]), books.kept))[0]


async def _as_before(tx: Transaction, debt: DebtRow, books: Books) -> Viewed | Refusal:
    viewed = await _view(tx, [debt], books.kept)
    return replace(viewed[0], is_new=False) if viewed else DEBT_GONE()


async def account(desk: Desk, caller: Principal, *, patron_id: int) -> Account | Refusal:
    """Return what a patron owes and the debts that are not due, oldest first (R51). Refuses with unknown-patron."""
    database = desk.runtime.database
    borrower = await find_borrower(database, patron_id)
    if borrower is None or borrower.erased:
        return UNKNOWN_PATRON()
    caller.at(borrower.agency)
    debts = await store.debts_of_patron(database, patron_id)
    return Account(patron_id, borrower.balance, await _view(database, debts, desk.kept(borrower.agency)))


async def debt_and_ledger(desk: Desk, caller: Principal, *, debt_id: int) -> tuple[Viewed, list[EntryRow]] | Refusal:
    """Return a debt with its ledger, to its patron and to staff. Refuses with debt-gone."""
    database = desk.runtime.database
    debt = await store.find_debt(database, debt_id)
    if debt is None:
        return DEBT_GONE()
    caller.at(debt.agency)
    caller.about(debt.patron_id, others="circulation:read")
    viewed = await _view(database, [debt], desk.kept(debt.agency))
    return (viewed[0], await store.entries_of_debt(database, debt_id)) if viewed else DEBT_GONE()


async def receipts(desk: Desk, caller: Principal, *, debt_id: int) -> list[Receipt] | Refusal:
    """Return what lets the patron check later that a debt's material, and the debt, were erased; refuses as those do."""
    found = await debt_and_ledger(desk, caller, debt_id=debt_id)
    if isinstance(found, Refusal):
        return found
    return await receipts_of(desk.runtime.clients, [rules.DEBT, rules.AMOUNT], debt_id)


async def _view(reader: Reader, debts: Sequence[DebtRow], kept: rules.Keeping) -> list[Viewed]:
    extents = {debt.debt_id: rules.extent(debt, kept) for debt in debts}
    whole = [debt_id for debt_id, extent in extents.items() if extent == "whole"]
    found: dict[int, list[Material]] = {debt_id: [] for debt_id in extents}
    for record in await store.materials(reader, whole) if whole else []:
        material = Material(record["loan_id"], record["work_id"], record["title"], record["creator"])
        found[record["debt_id"]].append(material)
    return [
        Viewed(debt if extents[debt.debt_id] == "whole" else rules.without_material(debt), found[debt.debt_id])
        for debt in debts
        if extents[debt.debt_id] != "gone"
    ]
