"""Write, replace and take away notes; each new one has a clock from the start (R22, R23)."""

from collections.abc import Mapping
from datetime import datetime

from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import NoteWritten
from glem_contracts.events.envelope import Erasure, RecordClock
from patron_api.context import PatronApi
from patron_api.notes import store
from patron_api.notes.rules import RECORD_CLASS, Kind
from patron_api.patrons.changes import lock_patron


async def change_notes(
    api: PatronApi, patron_id: int, notes: Mapping[Kind, str | None], caller: Principal
) -> dict[str, datetime] | Refusal:
    """Replace notes by kind, None taking one away; return when each that was written will go."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        clocks: list[RecordClock] = []
        erased: list[Erasure] = []
        expires: dict[str, datetime] = {}
        for kind, content in notes.items():
            record_class = RECORD_CLASS[kind]
            old, new = await store.replace(tx, row.agency, patron_id, kind, content, caller.subject)
            if old is not None:
                erased.append(Erasure(record_class=record_class, record_ids=[old]))
            if new is not None:
                clocks.append(RecordClock(record_class=record_class, record_id=new, version=1, anchor=tx.now))
                expires[kind] = api.due_at(row.agency, record_class, tx.now)
        if clocks or erased:
            tx.record(row.agency, patron_id, NoteWritten(patron_id=patron_id, clocks=clocks, erased=erased))
        return expires
