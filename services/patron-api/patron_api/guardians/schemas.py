"""What crosses the wire about a guardian."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from patron_api.text import Line, Raw


class GuardianBody(BaseModel):
    """A guardian and the day of the written consent; which fields are kept is the agency's policy (R28)."""

    model_config = ConfigDict(extra="forbid")

    consent_on: date
    cpr: Raw | None = None
    name: Line | None = None
    phone: Raw | None = None
    email: Raw | None = None


class GuardianView(BaseModel):
    """What is kept of a guardian."""

    consent_on: date
    name: str | None
    phone: str | None
    email: str | None
