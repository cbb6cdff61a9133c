"""What crosses the wire about blocks."""

from pydantic import BaseModel, ConfigDict

from patron_api.blocks.rules import Code
from patron_api.text import Line


class NewBlock(BaseModel):
    """A block by staff; the code is FBS's, the reason must not name a work."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    reason: Line | None = None
