"""Fetching the receipts of a record for its patron, from the retention worker (docs/log.md)."""

from collections.abc import Sequence

from glem.clients import Clients
from glem.problems import ProblemType, Refusal
from glem_contracts.receipts import ISSUE_RECEIPTS, Receipt, ReceiptsWanted

NO_RECEIPT_YET = ProblemType(
    "no-receipt-yet",
    404,
    "Der er ingen kvittering endnu. Den findes kort tid efter posten selv.",
    "There is no receipt yet. It is made shortly after the record itself.",
)


async def receipts_of(clients: Clients, record_classes: Sequence[str], record_id: int) -> list[Receipt] | Refusal:
    """Fetch a record's receipts from the retention worker, one for each class whose clock it knows.

    Refuses with no-receipt-yet when it knows none; raises PeerError when it does not answer. The caller has checked whose the
    record is.
    """
    found: list[Receipt] = []
    for record_class in record_classes:
        wanted = ReceiptsWanted(record_class=record_class, record_ids=[record_id])
        issued = await clients.call("retention-worker", ISSUE_RECEIPTS, wanted)
        found += issued
    return found or NO_RECEIPT_YET()
