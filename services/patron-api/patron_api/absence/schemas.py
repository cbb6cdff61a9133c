"""What crosses the wire about an absence."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class AbsenceBody(BaseModel):
    """A period of Danish days, both inclusive; a side that is left out is open, `{}` clears the absence."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_day: date | None = Field(default=None, alias="from")
    until_day: date | None = Field(default=None, alias="until")
