"""What crosses the wire about collection. Amounts are in øre."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Closure(BaseModel):
    """What the collector reports: the rest was paid to the collector, or is given up."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["paid", "written-off"]


class CollectedDebt(BaseModel):
    """A debt that is, or was, with the collector; without what it is for."""

    model_config = ConfigDict(from_attributes=True)

    debt_id: int
    patron_id: int
    kind: str
    balance: int
    raised_at: datetime
    in_collection_since: datetime
    settled_at: datetime | None
