"""What happens to messages besides their sending: they are queued, shown, and forgotten."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from glem.clients import PeerError
from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import MessageBodyErased
from glem_contracts.events.envelope import Erasure, Event
from glem_contracts.receipts import Receipt
from glem_retention.receipts import receipts_of
from glem_retention.runtime import Runtime
from notifier.agency import MessageRules
from notifier.keys import Keys, Place, unseal
from notifier.messages import rules, store
from notifier.messages.tables import BODY, ENVELOPE
from notifier.peers import resolve_titles
from notifier.rights import store as rights
from notifier.settings import NotifierSettings

if TYPE_CHECKING:
    from asyncpg import Record

log = structlog.get_logger(__name__)

KEYS_AT_ONCE = 10_000
# A day's page gets new keys on that day only; one more day for what was sent at midnight.
PAGE_IN_USE = timedelta(days=2)


async def enqueue(tx: Transaction, events: Sequence[Event], agencies: Mapping[str, MessageRules]) -> int:
    """Queue the messages that `events` lead to, each once however often an event comes; return how many.

    Raises KeyError for an event of an unknown agency.
    """
    notices = {
        event.id: (event, notice)
        for event in events
        if (notice := rules.notice_of(event, agencies[event.agency].kinds)) and not rules.is_stale(event.time, tx.now)
    }
    if not notices:
        return 0
    fresh = await store.remember_events(tx, [event for event, _ in notices.values()])
    erased = await rights.erased_among(tx, {notice.patron_id for _, notice in notices.values()})
    rows = [
        (new_id(), event, notice)
        for event, notice in notices.values()
        if event.id in fresh and notice.patron_id not in erased
    ]
    if rows:
        await store.enqueue(tx, rows)
    return len(rows)


async def take_bodies(tx: Transaction, events: Sequence[Event]) -> None:
    """Take away at once the bodies that speak of records which `events` say are gone (H91, R47)."""
    records = {record for event in events for record in rules.erased_by(event)}
    if records:
        record_erasure(tx, [(row["agency"], row["message_id"]) for row in await store.take_bodies_about(tx, records)])


async def drop_messages(tx: Transaction, message_ids: Sequence[int]) -> None:
    """Delete messages that were never sent, whose rows are locked, without a trace: their patron is no more (R32)."""
    await store.delete_messages(tx, message_ids)


def record_erasure(
    tx: Transaction, bodies: Sequence[tuple[str, int]], envelopes: Sequence[tuple[str, int]] = ()
) -> None:
    """Record that bodies, and envelopes, of messages (agency, id) are gone; nothing when there are none."""
    for agency in sorted({agency for agency, _ in (*bodies, *envelopes)}):
        of_bodies = sorted(message_id for owner, message_id in bodies if owner == agency)
        of_envelopes = sorted(message_id for owner, message_id in envelopes if owner == agency)
        erased = [
            Erasure(record_class=record_class, record_ids=ids, action=action)
            for record_class, ids, action in ((BODY, of_bodies, "redact"), (ENVELOPE, of_envelopes, "erase"))
            if ids
        ]
        tx.record(agency, erased[0].record_ids[0], MessageBodyErased(erased=erased))


@dataclass(frozen=True, slots=True)
class Page:
    """How many messages to show, and how many to pass over."""

    limit: int
    offset: int


async def show_messages(runtime: Runtime, principal: Principal, patron_id: int, page: Page) -> list[dict[str, Any]]:
    """Return a patron's messages; raises RefusedError when they belong to another agency than the bearer.

    A text is shown only while all that it speaks of is still there: what is due is hidden at once, not when it is erased.
    While loan-api cannot say so, no text is shown.
    """
    agency = await store.agency_of_messages(runtime.database, patron_id)
    if agency is None:
        return []
    principal.at(agency)
    now = runtime.clock.now()
    lines = await store.overview(
        runtime.database,
        patron_id,
        bodies_after=runtime.agencies.cutoff(agency, BODY, now),
        envelopes_after=runtime.agencies.cutoff(agency, ENVELOPE, now),
        limit=page.limit,
        offset=page.offset,
    )
    subjects = await store.subjects_of(
        runtime.database, [line["message_id"] for line in lines if line["content"] is not None]
    )
    there: Collection[tuple[str, int]]
    try:
        there = await resolve_titles(runtime.clients, {(row["record_class"], row["record_id"]) for row in subjects})
    except PeerError as error:
        log.warning("texts_hidden", reason=str(error))
        there = ()
    hidden = {row["message_id"] for row in subjects if (row["record_class"], row["record_id"]) not in there}
    texts = await open_texts(runtime, [line for line in lines if line["content"] and line["message_id"] not in hidden])
    return [rules.shown(dict(line), texts.get(line["message_id"])) for line in lines]


async def receipts(runtime: Runtime, principal: Principal, patron_id: int, message_id: int) -> list[Receipt] | Refusal:
    """Return what lets the patron check later that a message's text, and its line, were erased.

    Refuses with no-such-message, and as `receipts_of` does; raises RefusedError for a message of another agency.
    """
    found = await store.one_of(runtime.database, patron_id, message_id)
    if found is None:
        return rules.NO_SUCH_MESSAGE()
    principal.at(found["agency"])
    cutoff = runtime.agencies.cutoff(found["agency"], ENVELOPE, runtime.clock.now())
    if cutoff is not None and found["since"] <= cutoff:
        return rules.NO_SUCH_MESSAGE()
    return await receipts_of(runtime.clients, [BODY, ENVELOPE], message_id)


async def open_texts(runtime: Runtime, rows: Sequence["Record"]) -> dict[int, tuple[str, str]]:
    """Return subject and body, by message_id, of `rows` (message_id, content, key_page, key_slot) whose keys are there."""
    if not rows:
        return {}
    places = {row["message_id"]: Place(row["key_page"], row["key_slot"]) for row in rows}
    keys = await (await keys_of(runtime)).find(places.values())
    opened = {
        row["message_id"]: unseal(keys.get(places[row["message_id"]]), row["message_id"], row["content"])
        for row in rows
    }
    texts = {message_id: text for message_id, text in opened.items() if text is not None}
    if len(texts) < len(rows):
        log.warning("texts_without_key", count=len(rows) - len(texts))
    return texts


async def keys_of(runtime: Runtime) -> Keys:
    """Return the keys of this database's bodies."""
    settings = runtime.settings
    if not isinstance(settings, NotifierSettings):
        raise TypeError("notifier's runtime is opened with NotifierSettings")
    return Keys(settings.key_folder / await store.key_book(runtime.database))


async def destroy_spent_keys(runtime: Runtime) -> int:
    """Overwrite the keys of bodies that are deleted, and return how many; again is harmless."""
    async with runtime.database.transaction() as tx:
        spent = await store.lock_spent_keys(tx, KEYS_AT_ONCE)
        if spent:
            await (await keys_of(runtime)).destroy(spent)
            await store.forget_spent_keys(tx, spent)
    return len(spent)


async def tidy_keys(runtime: Runtime) -> int:
    """Overwrite keys of earlier days that no body has, remove pages that no body needs, and return how many keys went.

    Such keys were made for messages that were not sent, or whose transaction failed, or came back with an older backup.
    """
    keys = await keys_of(runtime)
    finished = (runtime.clock.now().astimezone(UTC) - PAGE_IN_USE).date()
    return sum(
        [
            await keys.destroy_besides(page, await store.slots_in_use(runtime.database, page))
            for page in await keys.pages()
            if page <= finished
        ]
    )


async def forget_events(runtime: Runtime) -> int:
    """Forget which events were handled, once they are too old to be told of again; return how many."""
    return await store.forget_events(runtime.database, runtime.clock.now() - rules.REMEMBERED)
