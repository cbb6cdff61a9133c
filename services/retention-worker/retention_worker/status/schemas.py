"""Answers about the state of erasure."""

from datetime import datetime

from pydantic import BaseModel


class ScopeStatus(BaseModel):
    """One agency's records of one class: how many are overdue, how many are held past their period, and when the next falls due."""

    agency: str
    record_class: str
    overdue: int
    held: int
    oldest_overdue_seconds: float
    stuck: int
    next_due: datetime | None


class Disposed(BaseModel):
    """How many records were erased so far, and the largest delay."""

    agency: str
    record_class: str
    outcome: str
    records: int
    latest_seconds: float | None


class Status(BaseModel):
    """The state of erasure at `now` (the database's time)."""

    now: datetime
    overdue: int
    held: int
    sweep_heartbeat_seconds: float
    clock_skew_seconds: float
    scopes: list[ScopeStatus]
    disposed: list[Disposed]
