"""What patron-api erases when it is due: notes, absences, lifted blocks. Contact values, cards and guardians go at once elsewhere."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from glem.database import Database, Transaction
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import PatronChanged, PatronDataErased
from glem_contracts.events.envelope import Erasure
from glem_retention.disposals import Disposer
from patron_api.absence import store as absence_store
from patron_api.blocks import store as block_store
from patron_api.context import PatronApi
from patron_api.notes import store as note_store
from patron_api.notes.rules import Kind
from patron_api.patrons.changes import tell_lending_of_many

Locked = list[tuple[OverdueRecord, int]]


@dataclass(frozen=True)
class ExpiringRecords:
    """The disposer of one record class. `tells_lending`: what goes is part of the snapshot that lending follows."""

    api: PatronApi
    lock: Callable[[Transaction, str, Sequence[int]], Awaitable[Locked]]
    present: Callable[[Transaction, str, Sequence[int]], Awaitable[list[OverdueRecord]]]
    erase: Callable[[Transaction, Sequence[int]], Awaitable[None]]
    find_overdue: Callable[[Database, str, datetime, int], Awaitable[list[OverdueRecord]]]
    tells_lending: bool = False

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase what is due. What a change holds locked is refused, and comes again with the next sweep."""
        locked = await self.lock(tx, order.agency, order.record_ids)
        seen = {record.record_id for record, _ in locked}
        others = [record_id for record_id in order.record_ids if record_id not in seen]
        waiting = await self.present(tx, order.agency, others) if others else []
        due = {record.record_id: patron for record, patron in locked if _is_due(record, cutoff)}
        if due:
            await self.erase(tx, list(due))
            erased = [Erasure(record_class=order.record_class, record_ids=list(due))]
            tx.record(order.agency, order.disposal_id, PatronDataErased(erased=erased))
            if self.tells_lending:
                await tell_lending_of_many(self.api, tx, order.agency, sorted(set(due.values())), PatronChanged)
        refused = [_refusal(record) for record, _ in locked if record.record_id not in due]
        refused += [_refusal(record, locked=True) for record in waiting]
        gone = set(others) - {record.record_id for record in waiting}
        return DisposalOutcome(erased=list(due), gone=sorted(gone), refused=refused)

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return records past their period, oldest first."""
        return await self.find_overdue(database, agency, cutoff, limit)


def disposers(api: PatronApi) -> Mapping[str, Disposer]:
    """Return what this service can erase, by record class."""
    return {
        "internal-note": _notes(api, "internal"),
        "patron-note": _notes(api, "patron"),
        "absence": ExpiringRecords(
            api,
            absence_store.lock_for_disposal,
            absence_store.present,
            absence_store.erase,
            absence_store.overdue,
            tells_lending=True,
        ),
        "lifted-block": ExpiringRecords(
            api, block_store.lock_for_disposal, block_store.present, block_store.erase, block_store.overdue
        ),
    }


def _notes(api: PatronApi, kind: Kind) -> ExpiringRecords:
    return ExpiringRecords(
        api,
        partial(note_store.lock_for_disposal, kind=kind),
        partial(note_store.present, kind=kind),
        note_store.erase,
        partial(note_store.overdue, kind=kind),
    )


def _is_due(record: OverdueRecord, cutoff: datetime) -> bool:
    anchor: datetime | None = record.anchor
    return anchor is not None and anchor <= cutoff


def _refusal(record: OverdueRecord, *, locked: bool = False) -> RefusedDisposal:
    anchor: datetime | None = record.anchor
    reason = "locked" if locked else "held" if anchor is None else "not-due"
    return RefusedDisposal.model_validate(
        {"record_id": record.record_id, "reason": reason, "version": record.version, "anchor": anchor}
    )
