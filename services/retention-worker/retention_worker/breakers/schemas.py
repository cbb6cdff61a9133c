"""What crosses the wire about breakers."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class Breaker(BaseModel):
    """A due day of one agency and class with far more records than usual.

    `open`: they are past their period and wait, invisible to everybody, until somebody acknowledges `records`. `coming`: so many
    were anchored within the last 24 hours that their due day will be one; there is still time to find out why (H108).
    """

    agency: str
    record_class: str
    state: Literal["open", "coming"]
    due_day: date
    records: int
    allowed: int
    opened_at: datetime | None


class Acknowledged(BaseModel):
    """That somebody let the records of a due day go, or approved a change of policy that makes so many due on it."""

    agency: str
    record_class: str
    due_day: date
    records: int
    acknowledged_by: str
    acknowledged_at: datetime


class Acknowledgement(BaseModel):
    """The number of records that somebody has looked at and lets go."""

    records: int = Field(ge=0, le=10**12)
