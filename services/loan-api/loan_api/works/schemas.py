"""What crosses the wire about works and items."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from loan_api.fields import Code, Text


class WorkLine(BaseModel):
    """One line of an import of works, as catalogues have them: some without creator or language. `age_limit` in years, 0 for none."""

    model_config = ConfigDict(extra="forbid")

    record_id: Code
    title: Text = Field(min_length=1)
    creator: Text | None = None
    type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    language: Text | None = None
    popularity_rank: int | None = Field(default=None, ge=0, le=2_000_000_000)
    age_limit: int = Field(default=0, ge=0, le=18)


class ItemLine(BaseModel):
    """One line of an import of items. `price` in øre. `withdrawn` takes the item out of lending, or back in."""

    model_config = ConfigDict(extra="forbid")

    barcode: Code
    record_id: Code
    branch: Code
    price: int = Field(default=20000, ge=0, le=10_000_000)
    withdrawn: bool = False


class RejectedLine(BaseModel):
    """A line that was not imported. `line` counts from 1; `reason` never repeats what stood there."""

    line: int
    reason: str


class ImportReport(BaseModel):
    """What became of an import: new ones, known ones, and lines that were not taken."""

    imported: int = 0
    updated: int = 0
    rejected: list[RejectedLine] = []


class WorkView(BaseModel):
    """A work, how many items may be lent at all, how many are in, and how long the queue is."""

    work_id: str
    title: str
    creator: str
    type: str
    language: str
    age_limit: int
    items: int
    available: int
    reservations: int


class ItemView(BaseModel):
    """An item and its state: available, on-loan, on-shelf, lost, withdrawn. Never who has it."""

    item_id: int
    barcode: str
    work_id: str
    title: str
    branch: str
    price: int
    state: str


class WorkDetails(WorkView):
    """A work with its items."""

    copies: list[ItemView]
