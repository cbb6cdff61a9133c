"""The event that ends a patron."""

from collections.abc import Sequence

from glem.clients import Clients
from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events.envelope import Event
from loan_api.agency import Lending
from loan_api.closing import actions


def on_erased(clients: Clients, lending: Lending) -> Handler:
    """Return the handler for patrons whom patron-api has erased."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.forget_patrons(tx, clients, lending, events)

    return handle
