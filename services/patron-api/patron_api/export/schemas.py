"""What crosses the wire about an export."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from patron_api.text import Line


class ExportWish(BaseModel):
    """A wish to see what is held. Staff say why; the reason is kept."""

    model_config = ConfigDict(extra="forbid")

    reason: Line | None = None


class ExportAsked(BaseModel):
    """Leave to download the export, any time until it expires; it is built at each download."""

    export_id: int
    expires_at: datetime


class FieldView(BaseModel):
    """What a field is called, and what it is kept for."""

    name: str
    label: str
    purpose: str


class SectionView(BaseModel):
    """Rows of one kind, with their fields explained."""

    service: str
    name: str
    title: str
    fields: list[FieldView]
    rows: list[dict[str, object]]


class ExportView(BaseModel):
    """Everything that is held about a patron at one moment, readable by machines (art. 20)."""

    agency: str
    library: str
    contact: str = Field(description="Where patrons ask about their data (R111).")
    language: str
    built_at: datetime
    sections: list[SectionView]
