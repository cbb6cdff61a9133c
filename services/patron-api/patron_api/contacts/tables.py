"""Phones, e-mail addresses and postal addresses: only the present ones."""

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import personal, plain
from patron_api.base import Table

CONTACT = "contact the patron (R9, R11)"
POST = "send letters; the address follows the CPR register, the c/o address is the current one (R4, R8)"


class Contact(Table, table=True):
    """A phone or an e-mail address. One of each channel at most receives messages, by index."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("contact_value", "patron_id", "channel", "value", unique=True),
        Index("contact_receiver", "patron_id", "channel", unique=True, postgresql_where=text("receives")),
    )

    contact_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        CONTACT, "contact", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    channel: str = personal(CONTACT, "contact")
    kind: str = personal(CONTACT, "contact")
    value: str = personal(CONTACT, "contact")
    receives: bool = personal("which one gets automatic messages (R9-R11)", "contact", default=False)


class Address(Table, table=True):
    """The patron's home address, or the c/o address; at most one of each."""

    __tablename__ = "address"
    __table_args__ = (Index("address_kind", "patron_id", "kind", unique=True),)

    address_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(POST, "contact", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE")
    kind: str = personal(POST, "contact")
    co_name: str | None = personal(POST, "contact", default=None)
    street: str = personal(POST, "contact")
    postal_code: str = personal(POST, "contact")
    city: str = personal(POST, "contact")
    country: str = personal(POST, "contact")


CONTACTS = Declared(
    record_class="contact",
    model=Contact,
    key="contact_id",
    erased_event=PatronDataErased,
    shown_as="contact",
)
ADDRESSES = Declared(
    record_class="contact",
    model=Address,
    key="address_id",
    erased_event=PatronDataErased,
    shown_as="address",
)
