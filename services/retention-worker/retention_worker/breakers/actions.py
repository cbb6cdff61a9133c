"""Keeping a flood until somebody has looked at it; everything else goes on."""

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import structlog

from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import BreakerClosed, BreakerOpened
from glem_retention.runtime import Runtime
from retention_worker.breakers import rules, store
from retention_worker.breakers.rules import Limits, Window
from retention_worker.breakers.schemas import Acknowledged, Breaker
from retention_worker.breakers.tables import ACKNOWLEDGEMENTS
from retention_worker.clocks.store import Scope
from retention_worker.due import cutoffs
from retention_worker.figures import Figures
from retention_worker.settings import WorkerSettings
from retention_worker.sweeps.rules import scopes_of

log = structlog.get_logger(__name__)

# A sweep that goes on for long looks again; counting costs more than an order.
LOOK_SECONDS = 5.0
EVERYTHING = 10**12
DAY = timedelta(days=1)


class Breakers:
    """The breakers of one worker process."""

    def __init__(self, runtime: Runtime, settings: WorkerSettings) -> None:
        self._database = runtime.database
        self._agencies = runtime.agencies
        self._limits = Limits(settings.breaker_floor, settings.breaker_times)
        self._looked_at = float("-inf")

    def begin(self) -> None:
        """Look anew: a sweep begins."""
        self._looked_at = float("-inf")

    async def passable(self, scopes: Sequence[Scope], now: datetime) -> list[Scope]:
        """Return what of `scopes` may go now; what is far more than usual for its due day is kept, whole, and said."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            await self._look(scopes, now)
            self._looked_at = time.monotonic()
        return rules.without(scopes, await self._kept())

    async def _look(self, scopes: Sequence[Scope], now: datetime) -> None:
        waiting = await store.oldest_waiting(self._database, scopes)
        windows = [
            window
            for scope in scopes
            if (oldest := waiting.get((scope.agency, scope.record_class))) is not None
            for window in rules.windows(self._agencies, scope, oldest, now)
        ]
        most = rules.allowed(self._limits, 0, 0) + 1
        for window, found in zip(windows, await store.counts(self._database, windows, most), strict=True):
            if found["waiting"] + found["gone"] >= most and not found["is_open"]:
                await self._judge(window, now)

    async def _judge(self, window: Window, now: datetime) -> None:
        """Count whole what may be too much; more than that of a busy library is counted here only."""
        [found] = await store.counts(self._database, [window], EVERYTHING)
        allowed = rules.allowed(self._limits, found["usual"], found["acknowledged"])
        records = found["waiting"] + found["gone"]
        if found["waiting"] == 0 or records <= allowed:
            return
        async with self._database.transaction() as tx:
            if await store.open_breaker(tx, window, records, allowed, now):
                told = BreakerOpened(
                    record_class=window.record_class, due_day=window.day, records=records, allowed=allowed
                )
                tx.record(window.agency, f"{window.agency}/{window.record_class}", told)
                log.critical(
                    "breaker_opened",
                    agency=window.agency,
                    record_class=window.record_class,
                    due_day=window.day.isoformat(),
                    records=records,
                    allowed=allowed,
                )

    async def _kept(self) -> list[Window]:
        rows = await store.open_days(self._database, None, None)
        found = [rules.day_window(self._agencies, row["agency"], row["record_class"], row["due_day"]) for row in rows]
        return [window for window in found if window is not None]

    async def read(self, agency: str | None) -> list[Breaker]:
        """Return the breakers that are open at `agency` or all, with the number that waits now, and those to come."""
        rows = await store.open_days(self._database, agency, None)
        return [
            Breaker(
                state="open", records=await self._waiting(row["agency"], row["record_class"], row["due_day"]), **row
            )
            for row in rows
        ] + await self._coming(agency)

    async def _waiting(self, agency: str, record_class: str, day: date) -> int:
        window = rules.day_window(self._agencies, agency, record_class, day)
        if window is None:
            return 0
        [found] = await store.counts(self._database, [window], EVERYTHING)
        waiting: int = found["waiting"]
        return waiting

    async def _coming(self, agency: str | None) -> list[Breaker]:
        """Return the scopes with so many anchors in the last 24 hours that their due day will be far above a usual one (H108)."""
        now = await self._database.now()
        windows = [
            Window(scope.agency, scope.record_class, due.date(), max(now - DAY, scope.cutoff), now)
            for scope in scopes_of(self._agencies, now)
            if agency in {None, scope.agency}
            and (due := self._agencies.due_at(scope.agency, scope.record_class, now)) is not None
            and due > now
        ]
        found = []
        for window, row in zip(windows, await store.counts(self._database, windows, EVERYTHING), strict=True):
            allowed = rules.allowed(self._limits, row["usual"], row["acknowledged"])
            if row["waiting"] > allowed:
                found.append(
                    Breaker(
                        agency=window.agency,
                        record_class=window.record_class,
                        state="coming",
                        due_day=window.day,
                        records=row["waiting"],
                        allowed=allowed,
                        opened_at=None,
                    )
                )
        return found

    async def acknowledge(
        self, principal: Principal, agency: str, record_class: str, records: int, wake: Callable[[], None]
    ) -> Refusal | None:
        """Let the records that breakers keep of one class go, when `records` is about how many there are."""
        principal.at(agency)
        now = await self._database.now()
        async with self._database.transaction() as tx:
            days = {
                row["due_day"]: await self._waiting(agency, record_class, row["due_day"])
                for row in await store.open_days(tx, agency, record_class)
            }
            if not days:
                return rules.NOT_OPEN(record_class=record_class)
            if no := rules.check_number(sum(days.values()), records):
                return no
            for day, waiting in days.items():
                seen = await store.close(tx, agency, record_class, day, waiting, principal.subject, now)
                told = BreakerClosed(record_class=record_class, due_day=day, records=waiting, **seen.told(now))
                tx.record(agency, f"{agency}/{record_class}", told)
        self.begin()
        wake()
        return None

    async def refresh_figures(self, figures: Figures) -> int:
        """Bring the gauges up to date, the zeros included; return 0, for there is never more to do."""
        found = {(each.agency, each.record_class, each.state) for each in await self.read(None)}
        for isil, agency in self._agencies.items():
            for record_class in agency.retention:
                figures.breaker_open.labels(isil, record_class).set((isil, record_class, "open") in found)
                figures.breaker_coming.labels(isil, record_class).set((isil, record_class, "coming") in found)
        return 0

    async def acknowledgements(self, agency: str | None) -> list[Acknowledged]:
        """Return who let the records of breakers go, at `agency` or all."""
        hidden = cutoffs(self._agencies, ACKNOWLEDGEMENTS, await self._database.now())
        return [Acknowledged(**row) for row in await store.acknowledgements(self._database, agency, hidden)]
