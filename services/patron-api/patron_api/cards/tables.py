"""The cards by which a patron borrows and logs in."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

CARD = "recognise the patron at machines and at log-in (R20)"


class Card(Table, table=True):
    """A card that works. A health card has no number here: it is the CPR number, which stands in the patron row alone."""

    __tablename__ = "card"
    __table_args__ = (
        Index("card_number", "agency", "number", unique=True, postgresql_where=text("number IS NOT NULL")),
        Index("card_health", "patron_id", unique=True, postgresql_where=text("kind = 'health'")),
        Index("card_patron", "patron_id"),
    )

    card_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(CARD, "card", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE")
    kind: str = personal(CARD, "card")
    number: str | None = personal(CARD, "card", default=None)
    added_at: datetime = personal(CARD, "card", sa_type=TIMESTAMP)


CARDS = Declared(
    record_class="card",
    model=Card,
    key="card_id",
    erased_event=PatronDataErased,
    shown_as="card",
)
