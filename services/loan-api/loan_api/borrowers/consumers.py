"""The events by which lending knows patrons."""

from collections.abc import Sequence

from glem.database import Transaction
from glem_contracts.events.envelope import Event
from loan_api.borrowers import actions


async def on_snapshot(tx: Transaction, events: Sequence[Event]) -> None:
    """A patron was registered, changed, blocked or unblocked."""
    await actions.take_snapshots(tx, events)
