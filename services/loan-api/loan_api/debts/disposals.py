"""How debts go away: class `debt`, whole (R53) or only what leads back to an item (R52), and class `debt-amount`, the rest.

What decides is the balance and the settlement in the row itself, looked at under its lock; the stored anchor is only told.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import DebtErased
from glem_contracts.events.envelope import Erasure
from glem_retention.agencies import Agencies
from loan_api.debts import erasure, rules
from loan_api.debts.tables import DebtRow


class DebtDisposer:
    """Class `debt`: erases or redacts, as the agency's policy says; runs from the settlement."""

    def __init__(self, agencies: Agencies) -> None:
        """Know the agencies' policies."""
        self._agencies = agencies

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase or redact the debts that were settled at or before `cutoff`; redacted ones are gone for this class.

        Where a chargeback has taken the material already, this order is what the register's line comes from.
        """
        if not self._redacts(order.agency):
            return await _erase_due(tx, order, cutoff, rules.material_anchor)
        outcome, due = await _look(tx, order, cutoff, rules.redaction_anchor, is_away=_has_left)
        outcome.redacted = [debt.debt_id for debt in due]
        if outcome.redacted:
            await erasure.redact(tx, outcome.redacted)
            _tell(tx, order, outcome.redacted, "redact")
        return outcome

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return settled debts past their period that still are here, still have their material, or lost it unregistered."""
        find, anchor_of = (
            (erasure.due_for_redaction, rules.redaction_anchor)
            if self._redacts(agency)
            else (erasure.due_for_erasure, rules.material_anchor)
        )
        return [
            OverdueRecord(record_id=debt.debt_id, version=debt.clock_version, anchor=anchor)
            for debt in await find(database, agency, cutoff, limit)
            if (anchor := anchor_of(debt)) is not None
        ]

    def _redacts(self, agency: str) -> bool:
        return self._agencies[agency].retention[rules.DEBT].action == "redact"


class DebtAmountDisposer:
    """Class `debt-amount`: erases what redaction has left; runs from the end of the accounting year of the settlement."""

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase the debts whose accounting year ended at or before `cutoff`."""
        return await _erase_due(tx, order, cutoff, rules.amount_anchor)

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return debts whose accounting year ended at or before `cutoff`."""
        settled_by = rules.last_settlement(cutoff)
        return [
            OverdueRecord(record_id=debt.debt_id, version=debt.clock_version, anchor=anchor)
            for debt in await erasure.due_for_erasure(database, agency, settled_by, limit)
            if (anchor := rules.amount_anchor(debt)) is not None
        ]


Anchor = Callable[[DebtRow], datetime | None]


def _has_left(debt: DebtRow) -> bool:
    return debt.redacted and debt.anchor is None


async def _look(
    tx: Transaction,
    order: DisposalOrder,
    cutoff: datetime,
    anchor_of: Anchor,
    is_away: Callable[[DebtRow], bool] = lambda _: False,
) -> tuple[DisposalOutcome, list[DebtRow]]:
    """Lock what is there; return the outcome so far (refusals and what is gone) and the debts that are due.

    What `is_away` of this class is gone even from a debt that is owed again, for the event that said so may be lost.
    """
    free = await erasure.lock_free(tx, order.agency, order.record_ids)
    outcome, due = DisposalOutcome(), []
    for debt in free:
        anchor = anchor_of(debt)
        if is_away(debt):
            outcome.gone.append(debt.debt_id)
        elif anchor is not None and anchor <= cutoff:
            due.append(debt)
        else:
            _refuse(outcome, debt, "held" if anchor is None else "not-due", anchor)
    missing = set(order.record_ids) - {debt.debt_id for debt in free}
    if missing:
        locked = await erasure.present(tx, order.agency, sorted(missing))
        for debt in locked:
            _refuse(outcome, debt, "locked", anchor_of(debt))
        outcome.gone += sorted(missing - {debt.debt_id for debt in locked})
    return outcome, due


async def _erase_due(tx: Transaction, order: DisposalOrder, cutoff: datetime, anchor_of: Anchor) -> DisposalOutcome:
    outcome, due = await _look(tx, order, cutoff, anchor_of)
    outcome.erased = [debt.debt_id for debt in due]
    if outcome.erased:
        await erasure.erase(tx, order.agency, outcome.erased)
        _tell(tx, order, outcome.erased, "erase")
    return outcome


def _refuse(outcome: DisposalOutcome, debt: DebtRow, reason: str, anchor: datetime | None) -> None:
    refused = {"record_id": debt.debt_id, "reason": reason, "version": debt.clock_version, "anchor": anchor}
    outcome.refused.append(RefusedDisposal.model_validate(refused))


def _tell(tx: Transaction, order: DisposalOrder, debt_ids: list[int], action: str) -> None:
    erased = [Erasure(record_class=order.record_class, record_ids=debt_ids, action=action)]
    tx.record(order.agency, order.disposal_id, DebtErased(erased=erased))
