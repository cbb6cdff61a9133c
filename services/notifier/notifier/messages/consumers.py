"""The events that notifier takes: those that lead to messages, and those that take them away."""

from collections.abc import Mapping, Sequence

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
    ReservationCancelled,
    ReservationExpired,
    ReservationFulfilled,
    ReservationReady,
)
from glem_contracts.events.envelope import Event, EventData
from notifier.agency import MessageRules
from notifier.messages import actions


def handlers(agencies: Mapping[str, MessageRules]) -> dict[type[EventData], Handler]:
    """Return the handler of each event; one function for many types, so that a batch of them stays one batch."""

    async def tell(tx: Transaction, events: Sequence[Event]) -> None:
        await actions.enqueue(tx, events, agencies)

    telling = (LoanOpened, LoanReturned, LoanDueSoon, LoanOverdue, ReservationReady, DebtRaised, ConsentWithdrawn)
    erasing = (LoanErased, DebtErased, ReservationCancelled, ReservationExpired, ReservationFulfilled)
    return {
        **dict.fromkeys(telling, tell),
        **dict.fromkeys(erasing, actions.take_bodies),
    }
