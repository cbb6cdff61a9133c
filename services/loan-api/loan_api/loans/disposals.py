"""How a loan goes, and when it is refused: class `loan`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import LoanClockMoved, LoanErased
from glem_contracts.events.envelope import Erasure
from glem_retention.agencies import Agencies
from loan_api.agency import FeeScope, Lending
from loan_api.homebound import actions as homebound
from loan_api.loans import erasure
from loan_api.loans.store import recompute_clocks
from loan_api.viewings.store import unlink


class LoanDisposer:
    """Class `loan`: the row goes, with all that led from the patron to the item (R34).

    A loan is looked at twice: its clock, under its lock; then, with what was committed before that lock, its debts.
    """

    def __init__(self, lending: Lending, agencies: Agencies) -> None:
        """Know how far a debt reaches in each agency (R35), and which remember works for homebound patrons (R43)."""
        self._lending = lending
        self._agencies = agencies

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase the loans whose return and settlements are all at or before `cutoff`."""
        outcome = DisposalOutcome()
        due: dict[int, datetime] = {}
        seen: set[int] = set()
        for loan_id, version, anchor in await erasure.lock_free(tx, order.agency, order.record_ids):
            seen.add(loan_id)
            if anchor is not None and anchor <= cutoff:
                due[loan_id] = self._agencies.due_at(order.agency, "loan", anchor) or tx.now
            else:
                _refuse(outcome, loan_id, "held" if anchor is None else "not-due", version, anchor)
        if due:
            scope = self._lending[order.agency].fee_scope
            remembered = await homebound.remember(tx, self._agencies, order.agency, due)
            outcome.erased = await erasure.erase(tx, due, cutoff, scope)
            if outcome.erased:
                await unlink(tx, outcome.erased)
                await homebound.enter(tx, order.agency, order.disposal_id, remembered, outcome.erased)
                erased = [Erasure(record_class="loan", record_ids=outcome.erased)]
                tx.record(order.agency, order.disposal_id, LoanErased(erased=erased))
            if len(outcome.erased) < len(due):
                await self._mend(tx, order, outcome, list(due), scope)
        missing = [loan_id for loan_id in order.record_ids if loan_id not in seen]
        if missing:
            await self._account_for(tx, order.agency, outcome, missing)
        return outcome

    async def _mend(
        self,
        tx: Transaction,
        order: DisposalOrder,
        outcome: DisposalOutcome,
        due: Sequence[int],
        scope: FeeScope,
    ) -> None:
        """Set the clocks right that said less than the debts do, and refuse those loans."""
        kept = sorted(set(due) - set(outcome.erased))
        clocks = await recompute_clocks(tx, kept, scope)
        tx.record(order.agency, order.disposal_id, LoanClockMoved(clocks=clocks))
        for clock in clocks:
            reason: Literal["held", "not-due"] = "held" if clock.anchor is None else "not-due"
            _refuse(outcome, clock.record_id, reason, clock.version, clock.anchor)

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
