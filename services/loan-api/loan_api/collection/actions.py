"""Sending debts to the collector, closing them by the collector's word, and listing those that nobody can claim any more (H19)."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from glem.clock import end_of_local_day, local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from loan_api.again import again
from loan_api.borrowers.store import lock_borrower
from loan_api.collection import rules, store
from loan_api.collection.problems import NOT_IN_COLLECTION, NOTHING_OWED
from loan_api.debts import store as debts
from loan_api.debts.actions import Desk
from loan_api.debts.ledger import Move, post
from loan_api.debts.problems import DEBT_GONE
from loan_api.debts.rules import extent
from loan_api.debts.tables import DebtRow

MOVES = {"paid": "payment", "written-off": "waiver"}
PAGE = 1000


@again
async def send(desk: Desk, caller: Principal, debt_id: int) -> asyncpg.Record | Refusal:
    """Hand an open debt over; it stays open, and holds its loans, until `close`. Refuses with debt-gone, nothing-owed."""
    async with desk.runtime.database.transaction() as tx:
        debt = await _locked(desk, tx, caller, debt_id)
        if isinstance(debt, Refusal):
            return debt
        if debt.settled_at is not None:
            return NOTHING_OWED()
        await store.mark(tx, debt_id, tx.now)
        return await store.find(tx, debt_id) or DEBT_GONE()


@again
async def close(desk: Desk, caller: Principal, debt_id: int, outcome: str) -> asyncpg.Record | Refusal:
    """Settle a debt by the collector's report: the clocks run from now. Doing it again changes nothing.

    Refuses with debt-gone, not-in-collection.
    """
    async with desk.runtime.database.transaction() as tx:
        debt = await _locked(desk, tx, caller, debt_id)
        if isinstance(debt, Refusal):
            return debt
        if await store.find(tx, debt_id) is None:
            return NOT_IN_COLLECTION()
        if debt.settled_at is None:
            await post(tx, desk.books(tx, debt.agency), [Move(debt, MOVES[outcome], -debt.balance)])
        return await store.find(tx, debt_id) or DEBT_GONE()


async def barred(desk: Desk, caller: Principal, raised_until: date | None) -> Sequence[asyncpg.Record]:
    """Return open debts in collection raised on or before a day; by default those past the limitation period, which nobody can claim."""
    day = raised_until or rules.limitation(local_date(desk.runtime.clock.now()))
    return await store.raised_before(desk.runtime.database, caller.agency, end_of_local_day(day), PAGE)


async def _locked(desk: Desk, tx: Transaction, caller: Principal, debt_id: int) -> DebtRow | Refusal:
    debt = await debts.find_debt(tx, debt_id)
    if debt is None:
        return DEBT_GONE()
    caller.at(debt.agency)
    await lock_borrower(tx, debt.patron_id)
    locked = await debts.lock_debts(tx, [debt_id])
    gone = not locked or extent(locked[0], desk.books(tx, debt.agency).kept) == "gone"
    return DEBT_GONE() if gone else locked[0]
