"""What the list of a homebound patron looks like."""

from pydantic import BaseModel, Field


class SchemePreview(BaseModel):
    """What would go at once if a library ended its scheme."""

    agency: str
    patrons: int
    works: int
    oldest: str | None = Field(description="The month, YYYY-MM, of the longest remembered work.")


class HomeboundWorkView(BaseModel):
    """A work that the patron has had."""

    work_id: str
    title: str
    creator: str
    since: str = Field(description="The month, YYYY-MM, in which it entered the list; no nearer time is kept.")
