"""Receipts: what a patron keeps to check after an erasure, without having to trust us, that it took place (docs/log.md)."""

from collections.abc import Sequence

import httpx
from pydantic import BaseModel, TypeAdapter

from glem.clients import Clients
from glem.problems import UNAVAILABLE, ProblemType, Refusal

NO_RECEIPT_YET = ProblemType(
    "no-receipt-yet",
    404,
    "Der er ingen kvittering endnu. Den findes kort tid efter posten selv.",
    "There is no receipt yet. It is made shortly after the record itself.",
)


class Receipt(BaseModel):
    """What a patron keeps, to find the record's leaf in the log after the erasure; `salt` and `log_id` in hex.

    The leaf's commitment is SHA-256 of `glem-receipt-v1`, the salt, the class, `/` and the id.
    """

    record_class: str
    record_id: int
    salt: str
    log_id: str


RECEIPTS = TypeAdapter(list[Receipt])


async def receipts_of(clients: Clients, record_classes: Sequence[str], record_id: int) -> list[Receipt] | Refusal:
    """Fetch a record's receipts from the retention worker, one for each class whose clock it knows.

    Refuses with unavailable when the worker does not answer, and no-receipt-yet when it knows none. Whose the record is has been
    seen to.
    """
    found: list[Receipt] = []
    for record_class in record_classes:
        wanted = {"record_class": record_class, "record_ids": [record_id]}
        try:
            answer = await clients["retention-worker"].post("/receipts", json=wanted)
        except httpx.TransportError:
            return UNAVAILABLE()
        if answer.status_code != httpx.codes.OK:
            return UNAVAILABLE()
        found += RECEIPTS.validate_json(answer.content)
    return found or NO_RECEIPT_YET()
