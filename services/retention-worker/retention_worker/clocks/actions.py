"""Applies the clocks and erasures of events."""

from collections.abc import Callable, Sequence

from glem.database import Transaction
from glem_contracts.events.envelope import Event
from retention_worker.clocks import rules, store
from retention_worker.log import actions as proofs
from retention_worker.register import actions as register
from retention_worker.register.rules import DuePolicy


async def apply_events(tx: Transaction, events: Sequence[Event], policy: DuePolicy, wake: Callable[[], None]) -> None:
    """Store the clocks of `events` and register the records that their owners erased; in any order, any number of times.

    Raises ImpossibleClockError for a clock that cannot be true: its event becomes a dead letter (H60).
    """
    for event in events:
        for clock in event.data.clocks:
            rules.check(clock, tx.now)
    erasures = [(event, erasure) for event in events for erasure in event.data.erased]
    # In one order, and before the clocks: a sweep takes the same locks.
    done = [
        await register.complete(
            tx, policy, event.agency, erasure.record_class, erasure.record_ids, action=erasure.action, at=event.time
        )
        for event, erasure in sorted(erasures, key=lambda pair: (pair[0].agency, pair[1].record_class))
    ]
    clocks = rules.newest((event.agency, clock) for event in events for clock in event.data.clocks)
    if clocks:
        await store.keep_newest(tx, clocks)
        if policy.any_due(clocks, tx.now):
            wake()
    await proofs.append(tx, [each.receipts for each in done])
