"""The overview line of a message, its body, the places of keys, what it speaks of, and the events that were handled."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index

from glem_retention.personal import TIMESTAMP, personal, plain
from notifier.base import Table

OVERVIEW = "overview of messages sent (R59, R60)"
CONTENT = "proof of what was written (R58)"
ENVELOPE, BODY = "message-envelope", "message-body"


class Message(Table, table=True):
    """The envelope: that a message was sent, or why not. No address, no title, no id of what it spoke of (R59).

    `state`: queued → sending → sent · failed · suppressed. `channel` and `language` are null until the message is first on its
    way, for they depend on what the patron permits then. `reason` is a code, never a server's text (H93).
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("message_patron", "patron_id", "created_at"),
        Index("message_age", "agency", "created_at"),
    )

    message_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(OVERVIEW, ENVELOPE, sa_type=BigInteger)
    kind: str = personal(OVERVIEW, ENVELOPE)
    channel: str | None = personal(OVERVIEW, ENVELOPE, default=None)
    state: str = personal(OVERVIEW, ENVELOPE)
    language: str | None = personal(OVERVIEW, ENVELOPE, default=None)
    reason: str | None = personal(OVERVIEW, ENVELOPE, default=None)
    attempts: int = plain(default=0)
    created_at: datetime = personal(OVERVIEW, ENVELOPE, sa_type=TIMESTAMP)
    sent_at: datetime | None = personal(OVERVIEW, ENVELOPE, default=None, sa_type=TIMESTAMP)


class MessageBody(Table, table=True):
    """What was written. It exists from the hand-over until it is due, or what it speaks of is erased (R58, H91).

    `content` is subject and body, sealed with a key of its own, which is kept outside the database at `key_slot` of the page
    `key_page` (notifier.keys). `sent_at` is the fact, `anchor` the clock that the retention worker was told.
    """

    __tablename__ = "message_body"
    __table_args__ = (Index("message_body_sent", "agency", "sent_at"), Index("message_body_key", "key_page"))

    message_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    content: bytes = personal(CONTENT, BODY)
    key_page: date = plain()
    key_slot: int = plain()
    sent_at: datetime = personal(CONTENT, BODY, sa_type=TIMESTAMP)
    anchor: datetime = personal("erase when due (R58)", BODY, sa_type=TIMESTAMP)
    clock_version: int = plain(default=1)


class SpentKey(Table, table=True):
    """The place of a key whose body is deleted, from that commit until the key is overwritten."""

    __tablename__ = "spent_key"

    page: date = plain(primary_key=True)
    slot: int = plain(primary_key=True)
    agency: str = plain()


class KeyBook(Table, table=True):
    """The name of this database's own keys below the folder, so that no other database's keys are mistaken for them."""

    __tablename__ = "key_book"
    __table_args__ = (CheckConstraint("book_id = 1", name="key_book_is_one"),)

    book_id: int = plain(primary_key=True)
    name: str = plain()


class MessageSubject(Table, table=True):
    """A loan, reservation or debt that a message speaks of; goes with the body, and takes the body with it."""

    __tablename__ = "message_subject"
    __table_args__ = (Index("message_subject_record", "record_class", "record_id"),)

    message_id: int = plain(primary_key=True, sa_type=BigInteger)
    record_class: str = plain(primary_key=True)
    record_id: int = personal(
        "erase the text together with the record it is about (H91)", BODY, primary_key=True, sa_type=BigInteger
    )
    agency: str = plain()


class HandledEvent(Table, table=True):
    """An event that has led to its message. It tells nobody which, so that no event leads from a message to a loan."""

    __tablename__ = "handled_event"
    __table_args__ = (Index("handled_event_time", "event_time"),)

    event_id: str = plain(primary_key=True)
    agency: str = plain()
    event_time: datetime = plain(sa_type=TIMESTAMP)
