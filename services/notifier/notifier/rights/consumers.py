"""The event that ends a patron."""

from collections.abc import Sequence

from glem.clients import Clients
from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events import PatronErased
from glem_contracts.events.envelope import Event
from glem_retention.confirming import confirm_erased
from notifier.rights import actions


def on_erased(clients: Clients) -> Handler:
    """Return the handler for patrons whom patron-api has erased; it must confirm each (H107)."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        patrons = {(event.data.patron_id, event.agency) for event in events if isinstance(event.data, PatronErased)}
        for patron_id, _ in sorted(patrons):
            await confirm_erased(clients, patron_id)
        await actions.forget_patrons(tx, patrons)

    return handle
