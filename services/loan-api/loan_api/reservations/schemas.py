"""What crosses the wire about reservations."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loan_api.fields import Code, PatronId


class Placement(BaseModel):
    """A wish to reserve; without a branch it is fetched at the patron's home branch, without a date the usual period holds.

    `again` asks for a work that a homebound patron has had (R43).
    """

    model_config = ConfigDict(extra="forbid")

    patron_id: PatronId
    work_id: Code
    pickup_branch: Code | None = None
    expires_on: date | None = None
    again: bool = False


class Change(BaseModel):
    """What may be changed of a reservation; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    pickup_branch: Code | None = None
    expires_on: date | None = None


class ReservationView(BaseModel):
    """A reservation. `position` counts from 1 while queued; the fields about fetching are there when it is ready."""

    reservation_id: int
    patron_id: int
    work_id: str
    title: str
    creator: str
    pickup_branch: str
    placed_at: datetime
    expires_on: date
    state: Literal["queued", "ready"]
    position: int | None = Field(description="Place in the queue, from 1; null when ready.")
    ready_at: datetime | None
    pickup_deadline: date | None
    pickup_number: int | None
