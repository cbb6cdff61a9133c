"""Keeping homebound lists: what enters, what takes them away, and who may read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from glem.database import Transaction
from glem.ids import new_id
from glem.problems import UNKNOWN_AGENCY, Refusal
from glem_contracts.events import HOMEBOUND_HISTORY, ConsentGiven, ConsentWithdrawn, HomeboundListChanged
from glem_contracts.events.envelope import Erasure, Event
from glem_retention.agencies import Agencies
from glem_retention.runtime import Runtime
from loan_api.borrowers.tables import BorrowerRow
from loan_api.homebound import rules, store
from loan_api.homebound.schemas import HomeboundWorkView, SchemePreview

RECORD_CLASS = "homebound-work"
Remembered = dict[int, tuple[int, str]]


async def remember(tx: Transaction, agencies: Agencies, agency: str, due: Mapping[int, datetime]) -> Remembered:
    """Return what of these locked loans (id to when it fell due), about to be erased, may stay: patron and work by loan id.

    Only the homebound library's policy makes it look, so that the others pay nothing for it.
    """
    if RECORD_CLASS not in agencies[agency].retention:
        return {}
    return dict(await store.remembered(tx, due))


async def enter(tx: Transaction, agency: str, subject: int, found: Remembered, erased: Sequence[int]) -> None:
    """Enter the works of those loans that were erased in this transaction (H29)."""
    works = sorted({found[loan_id] for loan_id in erased if loan_id in found})
    if works:
        month = rules.month_of(tx.now)
        rows = [(new_id(), patron_id, work_id) for patron_id, work_id in works]
        clocks = await store.enter(tx, agency, rows, month, rules.anchor_of(month))
        if clocks:
            tx.record(agency, subject, HomeboundListChanged(clocks=clocks))


async def follow_consents(tx: Transaction, events: Sequence[Event]) -> None:
    """Bring consents up to the highest version seen; each that ended takes the list with it, in this transaction (H30).

    An end is heeded once, though a newer consent may be known: what was remembered before it must go.
    """
    news = [
        (event.data.patron_id, event.data.version, event)
        for event in events
        if isinstance(event.data, ConsentGiven | ConsentWithdrawn) and event.data.purpose == HOMEBOUND_HISTORY
    ]
    living = await store.lock_living(tx, [patron_id for patron_id, _, _ in news]) if news else set()
    for patron_id, version, event in sorted(news, key=lambda item: item[:2]):
        if patron_id not in living:
            continue
        if isinstance(event.data, ConsentGiven):
            await store.give(tx, patron_id, event.agency, version, event.time)
        elif await store.end(tx, patron_id, event.agency, version):
            await _forget_list(tx, event.agency, patron_id)


async def forget(tx: Transaction, agency: str, patron_id: int) -> None:
    """Delete the consent and the list of a patron who goes (R32)."""
    await store.delete_consent(tx, patron_id)
    await _forget_list(tx, agency, patron_id)


async def has_had(tx: Transaction, runtime: Runtime, borrower: BorrowerRow, work_id: str) -> bool:
    """Say whether the patron has had the work, as far as that is remembered."""
    cutoff = _cutoff(runtime, borrower.agency, tx.now)
    return await store.has_had(tx, borrower.patron_id, work_id, cutoff)


async def list_works(runtime: Runtime, borrower: BorrowerRow) -> list[HomeboundWorkView]:
    """Return the works that a homebound patron has had, with the month in which each was forgotten as a loan."""
    cutoff = _cutoff(runtime, borrower.agency, runtime.clock.now())
    records = await store.of_patron(runtime.database, borrower.patron_id, cutoff)
    return [
        HomeboundWorkView(
            work_id=record["work_id"],
            title=record["title"],
            creator=record["creator"],
            since=f"{record['month']:%Y-%m}",
        )
        for record in records
    ]


async def preview_end(runtime: Runtime, agency: str) -> SchemePreview | Refusal:
    """Count what goes when the library ends its scheme, which ends every consent (H33); refuses with unknown-agency."""
    if agency not in runtime.agencies:
        return UNKNOWN_AGENCY(agency=agency)
    found = await store.extent_of(runtime.database, agency, _cutoff(runtime, agency, runtime.clock.now()))
    oldest = found["oldest"]
    return SchemePreview(
        agency=agency,
        patrons=found["patrons"],
        works=found["works"],
        oldest=None if oldest is None else f"{oldest:%Y-%m}",
    )


def _cutoff(runtime: Runtime, agency: str, now: datetime) -> datetime | None:
    return runtime.agencies.cutoff(agency, RECORD_CLASS, now)


async def _forget_list(tx: Transaction, agency: str, patron_id: int) -> None:
    entries = await store.delete_list(tx, patron_id)
    if entries:
        erased = [Erasure(record_class=RECORD_CLASS, record_ids=entries)]
        tx.record(agency, entries[0], HomeboundListChanged(erased=erased))
