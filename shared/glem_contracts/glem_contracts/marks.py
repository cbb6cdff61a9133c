"""Marks: where each service's database stands, kept by the retention worker, so that a restored database is recognised (H78).

Every owner of records calls, the retention worker answers; a service may only report its own database.
"""

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call

_WORKER = ("retention-worker",)


class Mark(BaseModel):
    """Where a database stands. `lsn` and `events` increase (both are durable); the other fields never change.

    `lsn` is PostgreSQL's position in the write-ahead log, in bytes; `events` is the number of the newest event in the outbox.
    """

    system_identifier: int
    database_oid: int
    outbox_oid: int
    timeline: int
    lsn: int
    events: int

    def follows(self, known: "Mark") -> bool:
        """Say whether this is the database of `known`, at the same position or a later one."""
        moving = {"lsn", "events"}
        same = self.model_dump(exclude=moving) == known.model_dump(include=set(Mark.model_fields) - moving)
        return same and self.lsn >= known.lsn and self.events >= known.events


class KnownMark(Mark):
    """A mark as the worker keeps it, with the newest line of the register at that time."""

    entry: int


class Audit(BaseModel):
    """The result of an audit of one owner: the number of its records past their period and not held by law."""

    overdue: int


_KNOWN: TypeAdapter[KnownMark | None] = TypeAdapter(KnownMark | None)
_NO_CONTENT: TypeAdapter[None] = TypeAdapter(None)

READ_MARK = Call("GET", "/owners/{service}/mark", _WORKER, _KNOWN)
"""Read the mark of the service's database; none when it has never sent one."""
KEEP_MARK = Call("PUT", "/owners/{service}/mark", _WORKER, _NO_CONTENT, asked=Mark)
"""Have the mark of the service's database kept."""
TAKE_BACK = Call("POST", "/owners/{service}/restored", _WORKER, _NO_CONTENT)
"""Say that the service's database came from a backup: the versions of its clocks begin anew."""
AUDIT = Call("POST", "/owners/{service}/audit", _WORKER, TypeAdapter(Audit))
"""Have the service audited now."""
