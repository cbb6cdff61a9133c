"""The queue: what waits to be sent, and when it may next be taken in hand."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index

from glem_retention.personal import TIMESTAMP, personal, plain
from notifier.base import Table

SEND = "send what the patron was promised (R61)"


class Delivery(Table, table=True):
    """One message on its way; gone as soon as it is sent or given up.

    `not_before` is real time of the database, never the travelled one: it spaces tries, and as a lease it keeps other processes
    away from a message in hand. `outages` counts the times that a gateway or a peer was away, which uses up no try.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("delivery_next", "not_before"),)

    message_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    occasion: str = plain()
    due_on: date | None = personal(SEND, "message-body", default=None)
    reminder: int | None = personal(SEND, "message-body", default=None)
    not_before: datetime = plain(sa_type=TIMESTAMP)
    outages: int = plain(default=0)
