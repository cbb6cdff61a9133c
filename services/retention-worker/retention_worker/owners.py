"""The owners of records, as this worker reaches them. Both calls raise PeerAwayError and PeerError.

When the owner is away, its records are tried again soon; when it failed at this very order, a smaller one may show which record is
to blame.
"""

from collections.abc import Sequence

from glem.clients import Clients
from glem_contracts.disposals import (
    DISPOSE,
    READ_OVERDUE,
    DisposalOrder,
    DisposalOutcome,
    OverdueRecord,
    OverdueWanted,
)
from glem_contracts.record_classes import RECORD_CLASSES


async def dispose(clients: Clients, order: DisposalOrder) -> DisposalOutcome:
    """Have the owner carry out `order`. Repeating an order is harmless."""
    return await clients.call(RECORD_CLASSES[order.record_class].owner, DISPOSE, order)


async def overdue(clients: Clients, agency: str, record_class: str, limit: int) -> Sequence[OverdueRecord]:
    """Return at most `limit` records that the owner by its own query holds past their period, oldest first."""
    wanted = OverdueWanted(agency=agency, record_class=record_class, limit=limit)
    return await clients.call(RECORD_CLASSES[record_class].owner, READ_OVERDUE, wanted)
