"""What lending hears of patrons."""

from collections.abc import Sequence

from glem.clients import Clients
from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events.envelope import Event
from loan_api.agency import Lending
from loan_api.borrowers import actions


async def on_snapshot(tx: Transaction, events: Sequence[Event]) -> None:
    """A patron was registered, changed, blocked or unblocked."""
    await actions.take_snapshots(tx, events)


def on_erased(clients: Clients, lending: Lending) -> Handler:
    """Return the handler for patrons who are gone."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.forget_patrons(tx, clients, lending, events)

    return handle
