"""The request to be erased, and the tombstone that stays of a patron."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

ANSWER = "carry out the wish to be erased and say how far it has come (R32)"


class ErasureRequest(Table, table=True):
    """A wish to be erased. `state`: asked → waiting · refused · erasing → done.

    Done, it no longer says whose it was (`patron_id` is null) and stays for its period, so that a portal can show that it is
    done. The period runs from `done_at` or `refused_at`; `clock_version` counts up whenever one of them is set or taken back.
    `next_try_at` is real time of the database: it spaces tries, and as a lease it keeps other processes away.
    """

    __tablename__ = "erasure_request"
    __table_args__ = (
        Index("erasure_request_patron", "patron_id", unique=True, postgresql_where=text("patron_id IS NOT NULL")),
        Index(
            "erasure_request_next",
            "next_try_at",
            postgresql_where=text("state IN ('asked', 'waiting', 'erasing')"),
        ),
    )

    request_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int | None = personal(ANSWER, "erasure-request", default=None, sa_type=BigInteger)
    when_clear: bool = plain(default=False)
    state: str = plain(default="asked")
    lending_done: bool = plain(default=False)
    messages_done: bool = plain(default=False)
    asked_at: datetime = plain(sa_type=TIMESTAMP)
    erased_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    done_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    refused_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=1)
    next_try_at: datetime = plain(sa_type=TIMESTAMP)


class ErasedPatron(Table, table=True):
    """A patron who is erased: the random id, which says nothing about anybody any more, so that it is never taken for unknown."""

    __tablename__ = "erased_patron"

    patron_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()


ERASURE_REQUESTS = Declared(
    record_class="erasure-request",
    model=ErasureRequest,
    key="request_id",
    erased_event=PatronDataErased,
    anchor="coalesce(done_at, refused_at)",
    facts="CASE state WHEN 'done' THEN done_at WHEN 'refused' THEN refused_at END",
    version="clock_version",
    # Not the patron's, for "erase me" would take it: it is what carries the erasure out, and then forgets whose it was.
    patron=None,
)
