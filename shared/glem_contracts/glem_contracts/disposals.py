"""Disposals: orders of the retention worker to the owners of records, and their answers.

The retention worker calls, every owner answers.
"""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.record_classes import RECORD_CLASSES

# Records in one order, and in one answer about overdue records.
LARGEST_ORDER = 1000
LARGEST_LOOK = 100_000
_OWNERS = tuple(sorted({item.owner for item in RECORD_CLASSES.values()}))


class DisposalOrder(BaseModel):
    """An order to dispose of records of one agency and class; the owner checks each once more."""

    disposal_id: int
    agency: str
    record_class: str
    record_ids: list[int] = Field(min_length=1, max_length=LARGEST_ORDER)


class RefusedDisposal(BaseModel):
    """A record that its owner keeps, the reason, and its clock: the worker stores `anchor` and `version`."""

    record_id: int
    reason: Literal["held", "not-due", "locked"]
    version: int
    anchor: AwareDatetime | None


class DisposalOutcome(BaseModel):
    """The outcome of an order; each of its record ids is in exactly one of the lists."""

    erased: list[int] = Field(default_factory=list)
    redacted: list[int] = Field(default_factory=list)
    gone: list[int] = Field(default_factory=list)
    refused: list[RefusedDisposal] = Field(default_factory=list)


class OverdueRecord(BaseModel):
    """A record past its period, by the owner's own reading of its tables (never of the stored anchor alone)."""

    record_id: int
    version: int
    anchor: AwareDatetime


class OverdueWanted(BaseModel):
    """Whose overdue records are asked for, and how many at most (up to 100,000), oldest first."""

    agency: str
    record_class: str
    limit: int = 100


DISPOSE = Call("POST", "/disposals", _OWNERS, TypeAdapter(DisposalOutcome), asked=DisposalOrder)
"""Carry out an order; repeating it is harmless."""
READ_OVERDUE = Call("GET", "/disposals/overdue", _OWNERS, TypeAdapter(list[OverdueRecord]), asked=OverdueWanted)
"""Return what the owner by its own query holds past its period."""
