"""Placing, extending and ending legal holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from glem.identity import Principal
from glem.ids import new_id
from glem.problems import UNKNOWN_AGENCY, Refusal
from glem_contracts.events import LegalHoldExtended, LegalHoldPlaced, LegalHoldReleased
from glem_contracts.holds import NamedRecords
from glem_retention.runtime import Runtime
from retention_worker.due import cutoffs
from retention_worker.figures import Figures
from retention_worker.holds import rules, store
from retention_worker.holds.schemas import HeldRecordShown, Hold, HoldWanted
from retention_worker.holds.tables import LEGAL_HOLDS
from retention_worker.register.store import lock as lock_register


async def place(runtime: Runtime, principal: Principal, wanted: HoldWanted) -> Hold | Refusal:
    """Hold the named records; refuse them all when one is gone, being erased, or ordered away without an answer (H46)."""
    agency = _agency(runtime, principal, wanted.agency)
    if isinstance(agency, Refusal):
        return agency
    now = await runtime.database.now()
    if no := rules.check(wanted.reason, wanted.ends_at, [part.record_class for part in wanted.records], now):
        return no
    records = sorted({(part.record_class, record_id) for part in wanted.records for record_id in part.record_ids})
    classes = sorted({record_class for record_class, _ in records})
    hold = {**wanted.model_dump(), "hold_id": new_id(), "agency": agency, "author": principal.subject, "placed_at": now}
    obstacles = None
    try:
        async with runtime.database.transaction() as tx:
            for record_class in classes:
                await lock_register(tx, agency, record_class)
            by_class = {name: runtime.agencies.cutoff(agency, name, now) for name in classes}
            obstacles = await store.enclose(tx, agency, records, by_class)
            if any(obstacles):
                raise _NothingIsHeldError  # noqa: TRY301  takes back the clocks that were made
            await store.insert(tx, hold, records)
            await store.mark_clocks(tx, hold["hold_id"])
            tx.record(
                agency,
                hold["hold_id"],
                LegalHoldPlaced(
                    kind=wanted.kind,
                    ends_at=wanted.ends_at,
                    records=len(records),
                    clocks=[LEGAL_HOLDS.clock(hold["hold_id"], wanted.ends_at)],
                ),
            )
            return _shown(await store.one(tx, hold["hold_id"]), now, with_names=True)
    except _NothingIsHeldError:
        return _refusal(obstacles)


async def release(runtime: Runtime, principal: Principal, hold_id: int, wake: Callable[[], None]) -> Hold | Refusal:
    """End a hold now; its records past their period are erased at once. Repeating it changes nothing."""
    now = await runtime.database.now()
    async with runtime.database.transaction() as tx:
        row = await store.locked(tx, hold_id, cutoffs(runtime.agencies, LEGAL_HOLDS, now))
        if row is None:
            return rules.NO_SUCH_HOLD()
        principal.at(row["agency"])
        if row["released_at"] is None:
            if row["ends_at"] <= now:
                return rules.OVER()
            version = await store.release(tx, hold_id, principal.subject, now)
            await store.mark_clocks(tx, hold_id)
            clock = LEGAL_HOLDS.clock(hold_id, now, version)
            tx.record(row["agency"], hold_id, LegalHoldReleased(kind=row["kind"], clocks=[clock]))
        hold = _shown(await store.one(tx, hold_id), now, with_names=True)
    wake()
    return hold


async def extend(runtime: Runtime, principal: Principal, hold_id: int, ends_at: datetime) -> Hold | Refusal:
    """Give an active hold another end, at most a year from now."""
    now = await runtime.database.now()
    async with runtime.database.transaction() as tx:
        row = await store.locked(tx, hold_id, cutoffs(runtime.agencies, LEGAL_HOLDS, now))
        if row is None:
            return rules.NO_SUCH_HOLD()
        principal.at(row["agency"])
        if row["released_at"] is not None or row["ends_at"] <= now:
            return rules.OVER()
        if no := rules.check_end(ends_at, now):
            return no
        clock = LEGAL_HOLDS.clock(hold_id, ends_at, await store.extend(tx, hold_id, ends_at))
        await store.mark_clocks(tx, hold_id)
        tx.record(row["agency"], hold_id, LegalHoldExtended(kind=row["kind"], ends_at=ends_at, clocks=[clock]))
        return _shown(await store.one(tx, hold_id), now, with_names=True)


async def page(runtime: Runtime, principal: Principal, *, active: bool | None, after: int, limit: int) -> list[Hold]:
    """Return the holds of the bearer's agency, or of all."""
    now = await runtime.database.now()
    agency = None if principal.agency == "*" else principal.agency
    rows = await store.page(
        runtime.database,
        agency,
        now,
        active=active,
        after=after,
        limit=limit,
        cutoffs=cutoffs(runtime.agencies, LEGAL_HOLDS, now),
    )
    return [_shown(row, now, with_names=principal.may("retention:write")) for row in rows]


async def held(runtime: Runtime, principal: Principal, records: NamedRecords) -> list[HeldRecordShown]:
    """Return which of `records` are held now; their owner must not erase them, and may show the hold to the patron (H49)."""
    agency = None if principal.agency == "*" else principal.agency
    rows = await store.held(
        runtime.database, agency, records.record_class, records.record_ids, await runtime.database.now()
    )
    return [HeldRecordShown(**row) for row in rows]


async def refresh_figures(runtime: Runtime, figures: Figures) -> None:
    """Set the gauges about holds, also to zero."""
    now = await runtime.database.now()
    found = {
        (row["agency"], row["kind"]): row for row in await store.counts(runtime.database, now, now + rules.WARNING)
    }
    for agency in runtime.agencies:
        for kind in rules.KINDS:
            row: Mapping[str, Any] = found.get((agency, kind), {})
            figures.holds_active.labels(agency, kind).set(row.get("active", 0))
            figures.holds_ending.labels(agency, kind).set(row.get("ending", 0))


class _NothingIsHeldError(Exception):
    """Rolls back the transaction of a hold that cannot be placed."""


def _agency(runtime: Runtime, principal: Principal, wanted: str | None) -> str | Refusal:
    agency = wanted or principal.agency
    if agency == "*":
        return rules.NO_AGENCY()
    principal.at(agency)
    return agency if agency in runtime.agencies else UNKNOWN_AGENCY(agency=agency)


def _refusal(obstacles: store.Obstacles | None) -> Refusal:
    gone, elsewhere, in_hand = obstacles or store.Obstacles([], [], [])
    problem, records = (
        (rules.GONE, gone) if gone else (rules.ELSEWHERE, elsewhere) if elsewhere else (rules.IN_HAND, in_hand)
    )
    return problem(records=[part.model_dump() for part in _grouped(records)])


def _grouped(records: Iterable[tuple[str, int]]) -> list[NamedRecords]:
    classes: dict[str, list[int]] = {}
    for record_class, record_id in records:
        classes.setdefault(record_class, []).append(record_id)
    return [NamedRecords(record_class=name, record_ids=sorted(ids)) for name, ids in sorted(classes.items())]


def _shown(row: Mapping[str, Any], now: datetime, *, with_names: bool) -> Hold:
    records: Sequence[tuple[str, int]] = list(zip(row["classes"], row["record_ids"], strict=True))
    return Hold(
        hold_id=row["hold_id"],
        agency=row["agency"],
        kind=row["kind"],
        author=row["author"] if with_names else None,
        reason=row["reason"] if with_names else None,
        placed_at=row["placed_at"],
        ends_at=row["ends_at"],
        released_at=row["released_at"],
        released_by=row["released_by"] if with_names else None,
        active=row["released_at"] is None and row["ends_at"] > now,
        records=_grouped(records),
        unseen=_grouped(record for record, unseen in zip(records, row["unseen"], strict=True) if unseen),
    )
