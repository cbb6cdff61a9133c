"""Handles every event of the suite, but reads only its clocks and erasures."""

from collections.abc import Callable, Sequence

from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events.envelope import Event
from retention_worker.clocks import actions
from retention_worker.register.rules import DuePolicy


def clock_handler(policy: DuePolicy, wake: Callable[[], None]) -> Handler:
    """Return the handler of all events; it calls `wake`, which begins a sweep, when a record is due already."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.apply_events(tx, events, policy, wake)

    return handle
