"""What every change of a patron begins and ends with: lock the row, and tell lending."""

from collections.abc import Sequence

from glem.database import Transaction
from glem.identity import Principal
from glem.problems import WRONG_AGENCY, Refusal
from glem_contracts.events import PatronSnapshot
from glem_contracts.events.envelope import Erasure, RecordClock
from patron_api.access import UNKNOWN_PATRON
from patron_api.context import PatronApi
from patron_api.patrons import store
from patron_api.patrons.store import PatronRow


async def lock_patron(tx: Transaction, patron_id: int, caller: Principal) -> PatronRow | Refusal:
    """Lock a patron for a change by `caller`; refuses unknown-patron and wrong-agency."""
    row = await store.lock(tx, patron_id)
    if row is None:
        return UNKNOWN_PATRON()
    return WRONG_AGENCY() if caller.agency not in {row.agency, "*"} else row


async def tell_lending(
    api: PatronApi,
    tx: Transaction,
    agency: str,
    patron_id: int,
    event: type[PatronSnapshot],
    *,
    clocks: Sequence[RecordClock] = (),
    erased: Sequence[Erasure] = (),
) -> None:
    """Count the patron's version up and record `event` with the snapshot of that version."""
    rows = await store.count_up(tx, [patron_id], api.cutoff(agency, "absence", tx.now))
    for row in rows:
        _record(tx, row, event, clocks, erased)


async def tell_lending_of_many(
    api: PatronApi, tx: Transaction, agency: str, patron_ids: Sequence[int], event: type[PatronSnapshot]
) -> None:
    """Do the same for many patrons of one agency, in one statement."""
    for row in await store.count_up(tx, patron_ids, api.cutoff(agency, "absence", tx.now)):
        _record(tx, row, event, (), ())


def _record(
    tx: Transaction,
    row: dict[str, object],
    event: type[PatronSnapshot],
    clocks: Sequence[RecordClock],
    erased: Sequence[Erasure],
) -> None:
    fields = {name: value for name, value in row.items() if name != "agency"}
    data = event.model_validate({**fields, "clocks": list(clocks), "erased": list(erased)})
    tx.record(str(row["agency"]), data.patron_id, data)
