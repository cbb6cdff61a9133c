"""The events that notifier takes: those that lead to messages, and those that take them away."""

from collections.abc import Mapping, Sequence

from glem.clients import Clients
from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events import (
    ConsentWithdrawn,
    DebtErased,
    DebtRaised,
    LoanDueSoon,
    LoanErased,
    LoanOpened,
    LoanOverdue,
    LoanReturned,
    PatronErased,
    ReservationCancelled,
    ReservationExpired,
    ReservationFulfilled,
    ReservationReady,
)
from glem_contracts.events.envelope import Event, EventData
from glem_retention.confirming import confirm_erased
from notifier.agency import MessageRules
from notifier.messages import actions


def handlers(agencies: Mapping[str, MessageRules], clients: Clients) -> dict[type[EventData], Handler]:
    """Return the handler of each event; one function for many types, so that a batch of them stays one batch."""

    async def tell(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.enqueue(tx, events, agencies)

    async def forget_patrons(tx: Transaction, events: Sequence[Event]) -> None:
        patrons = {(event.data.patron_id, event.agency) for event in events if isinstance(event.data, PatronErased)}
        for patron_id, _ in sorted(patrons):
            await confirm_erased(clients, patron_id)
        await actions.forget_patrons(tx, patrons)

    telling = (LoanOpened, LoanReturned, LoanDueSoon, LoanOverdue, ReservationReady, DebtRaised, ConsentWithdrawn)
    erasing = (LoanErased, DebtErased, ReservationCancelled, ReservationExpired, ReservationFulfilled)
    return {
        **dict.fromkeys(telling, tell),
        **dict.fromkeys(erasing, actions.take_bodies),
        PatronErased: forget_patrons,
    }
