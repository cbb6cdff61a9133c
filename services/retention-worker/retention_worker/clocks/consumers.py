"""Every event of the suite passes here; only its clocks and erasures are read."""

from collections.abc import Callable, Sequence

from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events.envelope import Event
from retention_worker.clocks import actions
from retention_worker.register.rules import PolicyVersion


def note_taker(policy: PolicyVersion, wake: Callable[[], None]) -> Handler:
    """Return the handler of all events; `wake` begins a sweep when something is due already."""

    async def take_note(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.take_note(tx, events, policy, wake)

    return take_note
