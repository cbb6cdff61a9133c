"""The reservation: in the queue, then ready, then gone in the transaction that ends it (R46, R47)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text

from glem_retention.personal import TIMESTAMP, personal, plain
from loan_api.base import Table

QUEUE = "serve reservations in order (R48)"


class Reservation(Table, table=True):
    """A patron's place in a work's queue (by `placed_at`). `state`: queued or ready; a ready one holds `item_id`."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index("reservation_queue", "agency", "work_id", "placed_at"),
        Index("reservation_patron", "patron_id", "work_id", unique=True),
        Index("reservation_expiry", "agency", "expires_on"),
        Index("reservation_deadline", "agency", "pickup_deadline", postgresql_where=text("state = 'ready'")),
        Index("reservation_item", "item_id", unique=True, postgresql_where=text("item_id IS NOT NULL")),
    )

    reservation_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(QUEUE, "reservation", sa_type=BigInteger)
    work_id: str = personal(QUEUE, "reservation")
    pickup_branch: str = personal(QUEUE, "reservation")
    placed_at: datetime = personal(QUEUE, "reservation", sa_type=TIMESTAMP)
    expires_on: date = personal(QUEUE, "reservation")
    state: str = personal(QUEUE, "reservation", default="queued")
    item_id: int | None = personal(QUEUE, "reservation", default=None, sa_type=BigInteger)
    ready_at: datetime | None = personal(QUEUE, "reservation", default=None, sa_type=TIMESTAMP)
    pickup_deadline: date | None = personal(QUEUE, "reservation", default=None)
    pickup_number: int | None = personal(QUEUE, "reservation", default=None)


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A reservation as read from the database."""

    reservation_id: int
    agency: str
    patron_id: int
    work_id: str
    pickup_branch: str
    placed_at: datetime
    expires_on: date
    state: str
    item_id: int | None
    ready_at: datetime | None
    pickup_deadline: date | None
    pickup_number: int | None
