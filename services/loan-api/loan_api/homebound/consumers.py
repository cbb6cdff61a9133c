"""What lending hears of homebound patrons' consents."""

from collections.abc import Sequence

from glem.database import Transaction
from glem_contracts.events.envelope import Event
from loan_api.homebound import actions


async def on_consent(tx: Transaction, events: Sequence[Event]) -> None:
    """A consent was given, or ended; those for other purposes are passed over."""
    await actions.follow_consents(tx, events)
