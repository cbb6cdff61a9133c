"""What services ask about patrons, and what they get."""

from datetime import date

from pydantic import BaseModel, Field

from glem_contracts.ids import RecordId


class Asked(BaseModel):
    """Up to 500 patrons."""

    patron_ids: list[RecordId] = Field(max_length=500)


class Resolved(BaseModel):
    """How to reach a patron now; null where there is nothing, or no permission, or protection."""

    patron_id: int
    agency: str
    language: str
    name: str | None
    protected: bool
    email: str | None
    sms: str | None
    patron_note: str | None
    deceased: bool


class SnapshotView(BaseModel):
    """The fields of a PatronSnapshot event, and the agency."""

    patron_id: int
    agency: str
    version: int
    patron_group: str
    age_band: int
    home_branch: str
    blocks: list[str]
    absent_from: date | None
    absent_until: date | None
