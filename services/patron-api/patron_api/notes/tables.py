"""Notes: one for the staff, one to the patron; each expires."""

from datetime import datetime

from sqlalchemy import BigInteger, Index

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared, Parent
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

REMEMBER = "remember agreements with the patron and what to tell them (R22, R23)"


class Note(Table, table=True):
    """A note of kind `internal` or `patron`. It is replaced, never changed; `written_at` is its anchor.

    Its erasure is that of record class `internal-note` or `patron-note`, by its kind.
    """

    __tablename__ = "note"
    __table_args__ = (
        Index("note_kind", "patron_id", "kind", unique=True),
        Index("note_written", "agency", "kind", "written_at"),
    )

    note_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        REMEMBER, "internal-note", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    kind: str = plain()
    content: str = personal(REMEMBER, "internal-note")
    written_at: datetime = personal(REMEMBER, "internal-note", sa_type=TIMESTAMP)
    written_by: str = personal(REMEMBER, "internal-note")


STAFF_NAME = "names a member of staff, who is another person; that it was done, and why, is shown"


def _declared(record_class: str, kind: str) -> Declared:
    return Declared(
        record_class=record_class,
        model=Note,
        key="note_id",
        erased_event=PatronDataErased,
        only=f"kind = '{kind}'",
        anchor="written_at",
        facts="written_at",
        parent=Parent(table="patron", key="patron_id"),
        shown_as=record_class,
        left_out={"written_by": STAFF_NAME},
    )


INTERNAL_NOTES = _declared("internal-note", "internal")
PATRON_NOTES = _declared("patron-note", "patron")
