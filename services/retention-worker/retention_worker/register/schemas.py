"""What crosses the wire about the register."""

from datetime import datetime

from pydantic import BaseModel


class Entry(BaseModel):
    """One line of the register."""

    entry: int
    agency: str
    record_class: str
    record_id: int
    outcome: str
    policy_version: int
    anchor: datetime | None
    due_at: datetime | None
    done_at: datetime


class Page(BaseModel):
    """Lines in order; ask again with `after` = `next`."""

    entries: list[Entry]
    next: int
