"""Collecting all that notifier holds about one person, deleting it, and counting what is left."""

from collections.abc import Collection

from glem.database import Transaction
from glem.identity import Principal
from glem_contracts.holdings import DataSection
from glem_contracts.remains import Remains
from glem_retention.runtime import Runtime
from notifier.messages.actions import Page, record_erasure, show_messages
from notifier.messages.store import delete_messages_of
from notifier.messages.tables import ENVELOPE
from notifier.rights import rules, store

PAGE = 500


async def collect(runtime: Runtime, caller: Principal, patron_id: int) -> list[DataSection]:
    """Return every personal field about a patron, texts included while they are kept (H53)."""
    agency = await store.agency_of(runtime.database, patron_id)
    if agency is None:
        return []
    cutoff = runtime.agencies.cutoff(agency, ENVELOPE, await runtime.database.now())
    return [
        await rules.MESSAGES.read(runtime.database, patron_id, cutoff),
        await rules.DELIVERIES.read(runtime.database, patron_id),
        await _texts(runtime, caller, patron_id),
    ]


async def _texts(runtime: Runtime, caller: Principal, patron_id: int) -> DataSection:
    rows: list[dict[str, object]] = []
    offset = 0
    while lines := await show_messages(runtime, caller, patron_id, Page(PAGE, offset)):
        offset += len(lines)
        rows += [
            {name: line[name] for name in ("message_id", "sent_at", *rules.TEXT_FIELDS)}
            for line in lines
            if line["body"] is not None
        ]
    return DataSection(name="message_body", fields=rules.TEXT_FIELDS, rows=rows)


async def remains(runtime: Runtime, patron_id: int) -> Remains:
    """Count what is left of a patron."""
    forgotten, messages = await store.remains(runtime.database, patron_id)
    return Remains(forgotten=forgotten, records={"messages": messages})


async def forget_patrons(tx: Transaction, patrons: Collection[tuple[int, str]]) -> None:
    """Delete every message of `patrons` (id, agency), the overview too, and queue none for them any more (R32)."""
    await store.entomb(tx, patrons)
    deleted = await delete_messages_of(tx, sorted(patron_id for patron_id, _ in patrons))
    record_erasure(
        tx,
        [(row["agency"], row["message_id"]) for row in deleted if row["had_body"]],
        envelopes=[(row["agency"], row["message_id"]) for row in deleted],
    )
