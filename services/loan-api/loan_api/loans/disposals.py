"""How a loan goes, and when it is refused: class `loan`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import asyncpg

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import LoanClockMoved, LoanErased
from glem_contracts.events.envelope import Erasure
from glem_retention.agencies import Agencies
from loan_api.agency import Lending
from loan_api.homebound import actions as homebound
from loan_api.loans import erasure
from loan_api.loans.rules import is_due
from loan_api.loans.store import recompute_clocks
from loan_api.viewings.store import unlink


class LoanDisposer:
    """Class `loan`: the row goes, with all that led from the patron to the item (R34). `erasure` says how, and why so.

    A loan is looked at twice: its clock, under its lock; then, with what was committed before that lock, its debts.
    """

    def __init__(self, lending: Lending, agencies: Agencies) -> None:
        """Know how far a debt reaches in each agency (R35), and which remember works for homebound patrons (R43)."""
        self._lending = lending
        self._agencies = agencies

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase the loans whose return and settlements are all at or before `cutoff`."""
        outcome = DisposalOutcome()
        locked = {row["loan_id"]: row for row in await erasure.lock_free(tx, order.agency, order.record_ids)}
        due = {
            loan_id: self._agencies.due_at(order.agency, "loan", row["anchor"]) or tx.now
            for loan_id, row in locked.items()
            if is_due(row["anchor"], cutoff)
        }
        if due:
            outcome.erased = await self._erase(tx, order, due, cutoff)
        if len(outcome.erased) < len(locked):
            erased = set(outcome.erased)
            kept = [row for loan_id, row in locked.items() if loan_id not in erased]
            await self._refuse_kept(tx, order, outcome, kept, cutoff)
        missing = [loan_id for loan_id in order.record_ids if loan_id not in locked]
        if missing:
            await self._account_for(tx, order.agency, outcome, missing)
        return outcome

    async def _erase(
        self, tx: Transaction, order: DisposalOrder, due: Mapping[int, datetime], cutoff: datetime
    ) -> list[int]:
        """Erase those loans (id to when it fell due) that are due by their facts too, with what hangs on them; return their ids."""
        remembered = await homebound.remember(tx, self._agencies, order.agency, due)
        loan_ids = await erasure.erase(tx, due, cutoff, self._lending[order.agency].fee_scope)
        if loan_ids:
            await unlink(tx, loan_ids)
            await homebound.enter(tx, order.agency, order.disposal_id, remembered, loan_ids)
            erased = [Erasure(record_class="loan", record_ids=loan_ids)]
            tx.record(order.agency, order.disposal_id, LoanErased(erased=erased))
        return loan_ids

    async def _refuse_kept(
        self,
        tx: Transaction,
        order: DisposalOrder,
        outcome: DisposalOutcome,
        kept: Sequence[asyncpg.Record],
        cutoff: datetime,
    ) -> None:
        """Refuse loans that stay, by a clock that is right: one that was due, or held, is computed anew from the facts.

        A clock that is to run out later is believed: it may remember a settlement whose debt was erased before the loan.
        """
        doubtful = [row["loan_id"] for row in kept if row["anchor"] is None or is_due(row["anchor"], cutoff)]
        moved = await recompute_clocks(tx, doubtful, self._lending[order.agency].fee_scope) if doubtful else []
        if moved:
            tx.record(order.agency, order.disposal_id, LoanClockMoved(clocks=moved))
        clocks = {clock.record_id: (clock.version, clock.anchor) for clock in moved}
        for row in kept:
            version, anchor = clocks.get(row["loan_id"], (row["clock_version"], row["anchor"]))
            _refuse(outcome, row["loan_id"], "held" if anchor is None else "not-due", version, anchor)

    async def _account_for(
        self, tx: Transaction, agency: str, outcome: DisposalOutcome, missing: Sequence[int]
    ) -> None:
        """Tell those that are away from those that another transaction works on."""
        for loan_id, version, anchor in await erasure.present(tx, agency, missing):
            _refuse(outcome, loan_id, "locked", version, anchor)
        refused = {refusal.record_id for refusal in outcome.refused}
        outcome.gone = [loan_id for loan_id in missing if loan_id not in refused]

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return loans past their period by their returns and debts alone, oldest first."""
        scope = self._lending[agency].fee_scope
        return [
            OverdueRecord(record_id=record["loan_id"], version=record["clock_version"], anchor=record["facts"])
            for record in await erasure.overdue(database, agency, cutoff, limit, scope)
        ]


def _refuse(
    outcome: DisposalOutcome,
    loan_id: int,
    reason: Literal["held", "not-due", "locked"],
    version: int,
    anchor: datetime | None,
) -> None:
    outcome.refused.append(RefusedDisposal(record_id=loan_id, reason=reason, version=version, anchor=anchor))
