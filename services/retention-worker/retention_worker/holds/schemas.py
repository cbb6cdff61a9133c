"""What crosses the wire about legal holds."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from glem_contracts.holds import LARGEST_HOLD, NamedRecords, RecordHold
from retention_worker.holds.rules import Kind


class HoldWanted(BaseModel):
    """A hold to place. `reason` is for those who answer for it: a case number and a few words, never a CPR number."""

    agency: str | None = Field(default=None, description="The library; only for a bearer who serves several.")
    kind: Kind
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
    ends_at: AwareDatetime
    records: list[NamedRecords] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _bounded(self) -> "HoldWanted":
        if sum(len(part.record_ids) for part in self.records) > LARGEST_HOLD:
            message = f"at most {LARGEST_HOLD} records in one hold"
            raise ValueError(message)
        return self


class Extension(BaseModel):
    """A later end."""

    ends_at: AwareDatetime


class Hold(BaseModel):
    """A hold. `author`, `reason` and `released_by` are shown to those who may place holds, and null to others.

    `unseen` are records of which no event has told yet: still open at their owner, or mistyped.
    """

    hold_id: int
    agency: str
    kind: Kind
    author: str | None
    reason: str | None
    placed_at: datetime
    ends_at: datetime
    released_at: datetime | None
    released_by: str | None
    active: bool
    records: list[NamedRecords]
    unseen: list[NamedRecords]


class HeldRecordShown(RecordHold):
    """A record that is held now. Its owner may tell its patron so, but not the kind of the hold."""

    kind: Kind
