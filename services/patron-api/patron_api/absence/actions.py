"""Set and clear a patron's absence (R13)."""

from glem.clock import local_date
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import PatronChanged
from glem_contracts.events.envelope import Erasure, RecordClock
from patron_api.absence import rules, store
from patron_api.absence.rules import Period
from patron_api.context import PatronApi
from patron_api.patrons.changes import lock_patron, tell_lending


async def change_absence(api: PatronApi, patron_id: int, period: Period, caller: Principal) -> Refusal | None:
    """Replace a patron's absence by `period`, or clear it by an empty one; the old one is gone at once."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        if refusal := rules.acceptable(period, local_date(tx.now)):
            return refusal
        old, new = await store.replace(tx, row.agency, patron_id, None if period.is_empty else period)
        if old is None and new is None:
            return None
        clocks = (
            [RecordClock(record_class="absence", record_id=new, version=1, anchor=period.anchor)]
            if new is not None
            else []
        )
        erased = [Erasure(record_class="absence", record_ids=[old])] if old is not None else []
        await tell_lending(api, tx, row.agency, patron_id, PatronChanged, clocks=clocks, erased=erased)
    return None
