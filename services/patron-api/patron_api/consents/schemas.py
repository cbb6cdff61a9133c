"""What crosses the wire about a homebound patron's consent."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from patron_api.consents.rules import Signer


class ConsentBody(BaseModel):
    """A consent that was signed: on which day, and by whom."""

    model_config = ConfigDict(extra="forbid")

    signed_on: date
    signed_by: Signer = "patron"


class ConsentView(BaseModel):
    """The consent as it stands; `wording` is the version of the text that was signed."""

    in_force: bool
    signed_on: date | None = None
    signed_by: Signer | None = None
    wording: str | None = None
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None
