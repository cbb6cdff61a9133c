"""What crosses the wire about notes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from patron_api.cautions import Warned
from patron_api.text import Prose


class NotesChange(BaseModel):
    """The internal note, the note to the patron, or both; null takes one away, what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    internal: Prose | None = None
    patron: Prose | None = None


class NotesWritten(BaseModel):
    """When each note that was written will go, and what to look at again."""

    expires_at: dict[str, datetime]
    warnings: list[Warned]
