"""How a debt moves: the entry, the balance, the clocks of the debt and of the loans that it holds, and the event, as one.

Lock order in all of loan-api: the borrower, then loans by id, then debts by id. Everything here wants the borrower locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glem.database import Transaction
from glem.ids import new_id
from glem_contracts.events import DebtEvent, DebtPaid, DebtRaised, DebtReversed, DebtSettled, DebtWaived
from glem_contracts.events.envelope import RecordClock
from glem_retention.agencies import Agencies
from loan_api.agency import LendingRules
from loan_api.borrowers.store import change_balance
from loan_api.debts import rules, store
from loan_api.debts.tables import DebtRow, EntryRow
from loan_api.loans.store import recompute_clocks
from loan_api.loans.tables import LoanRow


@dataclass(frozen=True, slots=True)
class Books:
    """How one agency keeps its debts, at one moment."""

    lending: LendingRules
    kept: rules.Keeping

    @classmethod
    def of(cls, tx: Transaction, lending: LendingRules, agencies: Agencies, agency: str) -> "Books":
        """Return the books of `agency` with these rules, at the transaction's time."""
        return cls(lending, rules.keeping(agencies, agency, tx.now))


@dataclass(frozen=True, slots=True)
class Move:
    """One entry to be made: `kind` is payment, waiver or reversal; `amount` is signed as it moves the balance."""

    debt: DebtRow
    kind: str
    amount: int
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the patron stands after a move, as the events say it."""

    patron_balance: int
    balance_version: int
    over_limit: bool


async def reclock(tx: Transaction, books: Books, patron_id: int, debt_ids: Sequence[int]) -> list[RecordClock]:
    """Compute anew the clocks of the loans that these debts bear upon; return those that moved."""
    scope = books.lending.fee_scope
    loan_ids = await store.held_loans(tx, scope, patron_id, debt_ids, books.kept.loans)
    return await recompute_clocks(tx, loan_ids, scope) if loan_ids else []


async def open_debt(
    tx: Transaction, books: Books, debt: DebtRow, loans: Sequence[LoanRow], order_id: str | None = None
) -> list[RecordClock]:
    """Write a new debt for `loans` and record DebtRaised; return the clocks of loans that it moved (H10)."""
    await store.insert_debt(tx, debt, loans, order_id)
    standing = await _stand(tx, books, debt.patron_id, debt.amount)
    loan_clocks = await reclock(tx, books, debt.patron_id, [debt.debt_id])
    _record(tx, DebtRaised, debt, standing, [*rules.clocks(debt, books.kept), *loan_clocks])
    return loan_clocks


async def post(tx: Transaction, books: Books, moves: Sequence[Move]) -> list[DebtRow]:
    """Make entries in the debts of one patron and record their events; return the debts as they are then.

    Loans' clocks are in the last event.
    """
    after = [rules.moved(move.debt, move.amount, books.kept, tx.now) for move in moves]
    await store.write_debts(tx, after)
    entries = [EntryRow(new_id(), m.debt.debt_id, m.kind, m.amount, tx.now, m.order_id) for m in moves]
    await store.add_entries(tx, after[0].agency, entries)
    standing = await _stand(tx, books, after[0].patron_id, sum(move.amount for move in moves))
    turned = [
        debt.debt_id for move, debt in zip(moves, after, strict=True) if move.debt.clock_version != debt.clock_version
    ]
    loan_clocks = await reclock(tx, books, after[0].patron_id, turned) if turned else []
    for place, (move, debt) in enumerate(zip(moves, after, strict=True), start=1):
        moved_clocks = rules.clocks(debt, books.kept) if debt.debt_id in turned else []
        last = loan_clocks if place == len(moves) else []
        _record_move(tx, move, debt, standing, [*moved_clocks, *last])
    return after


def _record_move(tx: Transaction, move: Move, debt: DebtRow, standing: _Standing, clocks: list[RecordClock]) -> None:
    if move.amount > 0:
        _record(tx, DebtReversed, debt, standing, clocks)
        return
    is_settled = debt.balance == 0
    first = [] if is_settled else clocks
    if move.kind == "payment":
        _record(tx, DebtPaid, debt, standing, first, paid=-move.amount)
    elif not is_settled:
        _record(tx, DebtWaived, debt, standing, first, waived=-move.amount)
    if is_settled:
        how = "paid" if move.kind == "payment" else "waived"
        _record(tx, DebtSettled, debt, standing, clocks, how=how)


def _record(
    tx: Transaction,
    event: type[DebtEvent],
    debt: DebtRow,
    standing: _Standing,
    clocks: list[RecordClock],
    **more: object,
) -> None:
    content = {
        "patron_id": debt.patron_id,
        "kind": debt.kind,
        "amount": debt.amount,
        "balance": debt.balance,
        "patron_balance": standing.patron_balance,
        "balance_version": standing.balance_version,
        "over_limit": standing.over_limit,
        "clocks": clocks,
    }
    tx.record(debt.agency, debt.debt_id, event.model_validate(content | more))


async def _stand(tx: Transaction, books: Books, patron_id: int, delta: int) -> _Standing:
    balance, version = await change_balance(tx, patron_id, delta)
    return _Standing(balance, version, balance >= books.lending.debt_limit)
