"""See my data: ask, build at the moment of the download, and forget that it was asked for (R106).

Nothing is built before it is downloaded and nothing of it is kept, so that no copy can outlive what it is a copy of (H51, H52).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import asyncpg
from pydantic import TypeAdapter

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import UNAVAILABLE, Refusal
from glem_contracts.events import PatronDataErased, PatronDataKept
from glem_contracts.events.envelope import Erasure
from glem_retention.holdings import Holding, Section
from glem_retention.records import export
from patron_api.access import is_own
from patron_api.context import PatronApi
from patron_api.erasure import rules as erasure_rules
from patron_api.erasure.actions import is_erased
from patron_api.export import rules, store
from patron_api.export.schemas import ExportAsked
from patron_api.export.tables import ACCESSES
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.store import PatronRow
from patron_api.records import DECLARED

_SECTIONS = TypeAdapter(list[Section])


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is held about a patron at one moment; sections by service."""

    agency: str
    language: str
    built_at: datetime
    sections: dict[str, list[Section]]


async def ask(api: PatronApi, patron_id: int, reason: str | None, caller: Principal) -> ExportAsked | Refusal:
    """Give leave to download an export for a week. Refuses unknown-patron, patron-erased, reason-missing, protected-patron, too-many-exports."""
    own = is_own(caller, patron_id)
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return erasure_rules.PATRON_ERASED() if await is_erased(api, patron_id) else row
        refusal = rules.may_ask(
            own=own,
            reason=reason,
            protected=row.protected,
            trusted=caller.may("patrons:protected") or caller.may("retention:write"),
            recent=await store.count_recent(tx, patron_id, tx.now - rules.PER),
        )
        if refusal is not None:
            return refusal
        made = await store.ask(tx, row.agency, patron_id, caller.subject, None if own else reason, rules.LIFETIME)
    return ExportAsked(export_id=made["export_id"], expires_at=made["expires_at"])


async def download(api: PatronApi, patron_id: int, export_id: int, caller: Principal) -> Export | Refusal:
    """Build an export now. Staff get only what they have asked for themselves, and it is logged each time (R84).

    Refuses unknown-patron, patron-erased, no-export, too-many-exports; unavailable while a service cannot say what it holds,
    for an export that lacks a part would be a lie.
    """
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return erasure_rules.PATRON_ERASED() if await is_erased(api, patron_id) else row
        request = await store.lock(tx, patron_id, export_id)
        if request is None or not (is_own(caller, patron_id) or request["asked_by"] == caller.subject):
            return rules.NO_EXPORT()
        if request["downloads"] >= rules.MOST_DOWNLOADS:
            return rules.TOO_MANY()
        await store.count_download(tx, export_id)
        if not is_own(caller, patron_id):
            entry_id = await store.log_access(tx, row.agency, patron_id, caller.subject, request["reason"] or "")
            tx.record(row.agency, entry_id, PatronDataKept(clocks=[ACCESSES.clock(entry_id, tx.now)]))
    return await _build(api, row)


async def forget_old(api: PatronApi) -> int:
    """Delete expired requests; return how many. A pass of the background work."""
    async with api.database.transaction() as tx:
        requests = await store.forget_requests(tx)
        _tell_erased(tx, "request", requests)
    return len(requests)


def _tell_erased(tx: Transaction, record_class: str, rows: Sequence[asyncpg.Record]) -> None:
    for agency in sorted({row["agency"] for row in rows}):
        ids = [row["record_id"] for row in rows if row["agency"] == agency]
        erased = [Erasure(record_class=record_class, record_ids=ids)]
        tx.record(agency, ids[0], PatronDataErased(erased=erased))


async def _build(api: PatronApi, row: PatronRow) -> Export | Refusal:
    sections = {"patron-api": await _own(api, row)}
    for service in ("loan-api", "notifier"):
        answer = await api.runtime.clients[service].get(f"/patrons/{row.patron_id}/data")
        if answer.status_code != HTTPStatus.OK:
            return UNAVAILABLE()
        sections[service] = _SECTIONS.validate_json(answer.content)
    return Export(row.agency, row.language, api.runtime.clock.now(), sections)


async def _own(api: PatronApi, row: PatronRow) -> list[Section]:
    database, patron_id, now = api.database, row.patron_id, await api.database.now()
    today = local_date(now)
    parts: list[tuple[Holding, tuple[object, ...]]] = [
        (rules.CONSENTS, ()),
        (rules.GUARDIAN, (today,)),
        (rules.AS_GUARDIAN, (today,)),
        (rules.LOG_INS, ()),
        (rules.ERASURE, ()),
        (rules.EXPORTS, (now,)),
    ]
    declared = await export(DECLARED, database, api.runtime.agencies, row.agency, patron_id, now)
    return declared + [await holding.read(database, patron_id, *values) for holding, values in parts]
