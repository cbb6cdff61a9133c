"""What clears the way for an erasure that waits."""

from collections.abc import Sequence

from glem.database import Transaction
from glem_contracts.events import DebtSettled, LoanClosedAsLost, LoanReturned
from glem_contracts.events.envelope import Event
from patron_api.erasure import actions


async def on_cleared(tx: Transaction, events: Sequence[Event]) -> None:
    """A loan came back, or a debt was settled."""
    patrons = {
        event.data.patron_id
        for event in events
        if isinstance(event.data, LoanReturned | LoanClosedAsLost | DebtSettled)
    }
    if patrons:
        await actions.follow_clearing(tx, patrons)
