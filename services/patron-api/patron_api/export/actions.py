"""See my data: ask, build at the moment of the download, and forget that it was asked for (R106).

Nothing is built before it is downloaded and nothing of it is kept, so that no copy can outlive what it is a copy of (H51, H52).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.holdings import READ_DATA, DataSection
from glem_retention.records import export
from patron_api.access import is_own
from patron_api.context import PatronApi
from patron_api.erasure import rules as erasure_rules
from patron_api.erasure.actions import is_erased
from patron_api.erasure.tables import ERASURE_REQUESTS
from patron_api.export import rules, store
from patron_api.export.schemas import ExportAsked
from patron_api.export.tables import ACCESSES, EXPORT_REQUESTS
from patron_api.guardians.tables import GUARDIANS
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.store import PatronRow
from patron_api.records import DECLARED

if TYPE_CHECKING:
    from glem_retention.holdings import Holding


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is held about a patron at one moment; sections by service."""

    agency: str
    language: str
    built_at: datetime
    sections: dict[str, list[DataSection]]


async def ask(api: PatronApi, patron_id: int, reason: str | None, caller: Principal) -> ExportAsked | Refusal:
    """Give leave to download an export, for the agency's period. Refuses unknown-patron, patron-erased, reason-missing, protected-patron, too-many-exports."""
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
        export_id = await EXPORT_REQUESTS.keep(
            tx,
            row.agency,
            patron_id=patron_id,
            asked_by=caller.subject,
            reason=None if own else reason,
            asked_at=tx.now,
            downloads=0,
        )
        expires_at = api.due_at(row.agency, EXPORT_REQUESTS.record_class, tx.now)
    return ExportAsked(export_id=export_id, expires_at=expires_at)


async def download(api: PatronApi, patron_id: int, export_id: int, caller: Principal) -> Export | Refusal:
    """Build an export now. Staff get only what they have asked for themselves, and it is logged each time (R84).

    Refuses unknown-patron, patron-erased, no-export, too-many-exports; raises PeerError while a service cannot say what it holds,
    for an export that lacks a part would be a lie.
    """
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return erasure_rules.PATRON_ERASED() if await is_erased(api, patron_id) else row
        cutoff = api.cutoff(row.agency, EXPORT_REQUESTS.record_class, tx.now)
        request = await store.lock(tx, patron_id, export_id, cutoff)
        if request is None or not (is_own(caller, patron_id) or request["asked_by"] == caller.subject):
            return rules.NO_EXPORT()
        if request["downloads"] >= rules.MOST_DOWNLOADS:
            return rules.TOO_MANY()
        await store.count_download(tx, export_id)
        if not is_own(caller, patron_id):
            reason = request["reason"] or ""
            await ACCESSES.keep(tx, row.agency, patron_id=patron_id, staff=caller.subject, reason=reason, at=tx.now)
    return await _build(api, row)


async def _build(api: PatronApi, row: PatronRow) -> Export:
    sections = {"patron-api": await _own(api, row)}
    for service in ("loan-api", "notifier"):
        sections[service] = await api.runtime.clients.call(service, READ_DATA, patron_id=row.patron_id)
    return Export(row.agency, row.language, api.runtime.clock.now(), sections)


async def _own(api: PatronApi, row: PatronRow) -> list[DataSection]:
    database, patron_id, now = api.database, row.patron_id, await api.database.now()
    parts: list[tuple[Holding, tuple[object, ...]]] = [
        (rules.CONSENTS, ()),
        (rules.AS_GUARDIAN, (api.cutoff(row.agency, GUARDIANS.record_class, now),)),
        (rules.LOG_INS, ()),
        (rules.ERASURE, (api.cutoff(row.agency, ERASURE_REQUESTS.record_class, now),)),
    ]
    declared = await export(DECLARED, database, api.runtime.agencies, row.agency, patron_id, now)
    return declared + [await holding.read(database, patron_id, *values) for holding, values in parts]
