"""The sweep: leases due records, orders their owners to dispose of them, and registers the outcomes.

The risk. An erasure cannot be undone: a record that goes early is lost, one that goes late breaks a promise. A sweep may die
after every statement, several workers sweep at once, and clocks may be wrong, because they come from events.

The principle. The worker decides nothing about a record. It compares stored anchors with the cutoff of the agency's policy, by
the database's clock, and orders; the owner checks each record once more under row locks, and refuses. A sweep takes no input and
remembers nothing: what it does follows from stored state alone, so that doing it again is always right.

The order of work.
1. If this machine's clock and the database's disagree, nothing is swept (H59).
2. Lease: one statement marks due clocks, oldest first, some of each scope. It skips records that are held, leased or put off, and
   due days that a breaker stops. It commits at once.
3. Order: a call to the owner, outside any transaction. The owner erases in a transaction of its own, and answers for each record
   `erased`, `redacted`, `gone` (it was not there) or `refused` with the clock that it has.
4. Settle: one transaction registers what is gone, deletes those clocks, replaces refused clocks, and appends to the log. Its
   locks: the scope's advisory lock, clocks, and last the log's; it is tried again after a deadlock. The owner's event registers
   the same records by the same function.

What a crash leaves. After 2: leases, which end by themselves. After the owner's commit: the owner's event registers the records,
or the next order is answered with `gone`. Before the commit of 4: nothing of it. After it: nothing is left to do.
When an owner is down, its leases are ended early; when it fails at an order, the order is halved until one record is alone (H68).
"""

import asyncio
from datetime import timedelta

import asyncpg
import structlog

from glem.clients import PeerAwayError, PeerError
from glem.ids import new_id
from glem_contracts.disposals import DisposalOrder, DisposalOutcome
from glem_contracts.events import SweepFinished
from glem_retention.runtime import Runtime
from retention_worker.breakers.actions import Breakers
from retention_worker.clocks import store as clocks
from retention_worker.clocks.store import Leased, Scope
from retention_worker.figures import Figures
from retention_worker.log import actions as proofs
from retention_worker.owners import dispose
from retention_worker.register import actions as register
from retention_worker.register.rules import DuePolicy
from retention_worker.settings import WorkerSettings
from retention_worker.sweeps import rules

log = structlog.get_logger(__name__)

AWAY_WAIT = timedelta(seconds=1)
# A record that a request, or the disposal of another class, has locked is unlocked within milliseconds.
LOCKED_WAIT = timedelta(milliseconds=50)
LOCKED_TRIES = 10
SETTLE_TRIES = 5


class Sweeper:
    """Sweeps in one worker process; several processes divide the clocks by leases."""

    def __init__(self, runtime: Runtime, settings: WorkerSettings, figures: Figures) -> None:
        self._runtime = runtime
        self._settings = settings
        self._figures = figures
        self._policy = DuePolicy(runtime.agencies)
        self.breakers = Breakers(runtime, settings)
        self._slots = asyncio.Semaphore(settings.orders_at_once)
        self._locked = 0

    async def sweep(self) -> int:
        """Dispose of everything that is due now; return how many records were erased, redacted or found gone."""
        database, settings = self._runtime.database, self._settings
        skew = await database.skew()
        self._figures.skew.set(skew.total_seconds())
        if not rules.clock_is_sound(skew, settings.largest_skew):
            log.critical("clock_skew", seconds=skew.total_seconds())
            return 0
        done = 0
        self.breakers.begin()
        for _ in range(LOCKED_TRIES):
            self._locked = 0
            while leased := await self._lease():
                done += sum(await asyncio.gather(*(self._carry_out(batch) for batch in leased)))
            if not self._locked:
                break
            await asyncio.sleep(LOCKED_WAIT.total_seconds())
        return done

    async def _lease(self) -> list[Leased]:
        now = await self._runtime.database.now()
        scopes = await self.breakers.passable(rules.scopes_of(self._runtime.agencies, now), now)
        database, size, lease = self._runtime.database, self._settings.order_size, self._settings.lease
        leased = await clocks.lease_due(database, scopes, now, size=size, lease=lease)
        full = rules.newly_due([batch.scope for batch in leased if len(batch.record_ids) == size])
        if full:
            share = max(1, size // rules.SHARE_OF_NEW)
            leased += await clocks.lease_due(database, full, now, size=share, lease=lease)
        return leased

    async def _carry_out(self, leased: Leased) -> int:
        async with self._slots:
            return await self._order(leased.scope, leased.record_ids, leased)

    async def _order(self, scope: Scope, record_ids: list[int], leased: Leased) -> int:
        order = DisposalOrder(
            disposal_id=new_id(), agency=scope.agency, record_class=scope.record_class, record_ids=record_ids
        )
        try:
            outcome = await dispose(self._runtime.clients, order)
        except PeerAwayError as error:
            log.warning("owner_away", record_class=scope.record_class, reason=str(error))
            await clocks.release(self._runtime.database, scope.record_class, record_ids, AWAY_WAIT)
            return 0
        except PeerError as error:
            return await self._isolate(scope, record_ids, leased, error)
        return await self._settle(scope, outcome, leased)

    async def _isolate(self, scope: Scope, record_ids: list[int], leased: Leased, error: PeerError) -> int:
        """Halve a failed order until the record that it fails on stands alone; put that one off (H68)."""
        if len(record_ids) == 1:
            tries = await clocks.put_off(
                self._runtime.database, scope.record_class, record_ids[0], self._settings.longest_wait
            )
            log.error(
                "record_stuck", record_class=scope.record_class, record_id=record_ids[0], tries=tries, reason=str(error)
            )
            self._figures.disposed.labels(scope.agency, scope.record_class, "failed").inc()
            return 0
        first, second = rules.halves(record_ids)
        return await self._order(scope, first, leased) + await self._order(scope, second, leased)

    async def _settle(self, scope: Scope, outcome: DisposalOutcome, leased: Leased) -> int:
        for attempt in range(SETTLE_TRIES):
            try:
                lags = await self._enter(scope, outcome, leased)
                break
            except asyncpg.DeadlockDetectedError:
                if attempt == SETTLE_TRIES - 1:
                    raise
        self._locked += sum(refusal.reason == "locked" for refusal in outcome.refused)
        lag = self._figures.lag.labels(scope.agency, scope.record_class)
        for late in lags:
            lag.observe(late.total_seconds())
        for kind in ("erased", "redacted", "gone", "refused"):
            if records := len(getattr(outcome, kind)):
                self._figures.disposed.labels(scope.agency, scope.record_class, kind).inc(records)
        return len(outcome.erased) + len(outcome.redacted) + len(outcome.gone)

    async def _enter(self, scope: Scope, outcome: DisposalOutcome, leased: Leased) -> list[timedelta]:
        now = await self._runtime.database.now()
        async with self._runtime.database.transaction() as tx:
            kinds = [
                (outcome.erased, "erase", False),
                (outcome.redacted, "redact", False),
                (outcome.gone, "erase", True),
            ]
            done = [
                await register.complete(
                    tx,
                    self._policy,
                    scope.agency,
                    scope.record_class,
                    record_ids,
                    action=action,
                    at=now,
                    found_gone=gone,
                )
                for record_ids, action, gone in kinds
                if record_ids
            ]
            if outcome.refused:
                await clocks.take_over(tx, scope.record_class, outcome.refused, AWAY_WAIT, LOCKED_WAIT)
            tx.record(
                scope.agency,
                new_id(),
                SweepFinished(
                    record_class=scope.record_class,
                    done=len(outcome.erased) + len(outcome.redacted),
                    gone=len(outcome.gone),
                    refused=len(outcome.refused),
                    oldest_anchor=leased.oldest_anchor,
                ),
            )
            await proofs.append(tx, [each.receipts for each in done])
        return [late for each in done for late in each.lags]
