"""What the homebound list can erase: class `homebound-work`, at the agency's longest period (R44)."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import HomeboundListChanged
from glem_contracts.events.envelope import Erasure
from loan_api.homebound import store
from loan_api.homebound.actions import RECORD_CLASS


class HomeboundWorkDisposer:
    """Class `homebound-work`: the entry goes."""

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase the entries that are due; what another transaction holds is refused and comes again."""
        outcome = DisposalOutcome()
        seen: set[int] = set()
        for entry_id, version, anchor in await store.lock_free(tx, order.agency, order.record_ids):
            seen.add(entry_id)
            if anchor <= cutoff:
                outcome.erased.append(entry_id)
            else:
                refusal = RefusedDisposal(record_id=entry_id, reason="not-due", version=version, anchor=anchor)
                outcome.refused.append(refusal)
        missing = [entry_id for entry_id in order.record_ids if entry_id not in seen]
        for entry_id, version, anchor in await store.present(tx, order.agency, missing) if missing else []:
            outcome.refused.append(RefusedDisposal(record_id=entry_id, reason="locked", version=version, anchor=anchor))
        refused = {refusal.record_id for refusal in outcome.refused}
        outcome.gone = [entry_id for entry_id in missing if entry_id not in refused]
        if outcome.erased:
            await store.erase(tx, outcome.erased)
            erased = [Erasure(record_class=RECORD_CLASS, record_ids=outcome.erased)]
            tx.record(order.agency, order.disposal_id, HomeboundListChanged(erased=erased))
        return outcome

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return entries past their period by their month alone, oldest first."""
        return await store.overdue(database, agency, cutoff, limit)
