"""Receipts: what a patron keeps, to check after an erasure, without having to trust us, that it took place (docs/log.md).

The owner of a record (loan-api, notifier) calls, the retention worker answers.
"""

from pydantic import BaseModel, Field, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.ids import RecordId


class ReceiptsWanted(BaseModel):
    """Records whose receipts are asked for, by their owner, for the patron whose they are."""

    record_class: str
    record_ids: list[RecordId] = Field(min_length=1, max_length=1000)


class Receipt(BaseModel):
    """What a patron keeps, to find the record's leaf in the log after the erasure; `salt` and `log_id` in hex.

    The leaf's commitment is SHA-256 of `glem-receipt-v1`, the salt, the class, `/` and the id.
    """

    record_class: str
    record_id: int
    salt: str
    log_id: str


ISSUE_RECEIPTS = Call("POST", "/receipts", ("retention-worker",), TypeAdapter(list[Receipt]), asked=ReceiptsWanted)
"""Return a receipt for each of the records whose clock the worker knows."""
