"""Kinds of values that cross the wire in several slices."""

from typing import Annotated, Literal

from fastapi import Header
from pydantic import Field, StringConstraints

from glem.ids import LARGEST_ID

Code = Annotated[str, StringConstraints(pattern=r"^[^\s\x00]{1,100}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
PatronId = Id | Literal["me"]
Key = Annotated[Code | None, Header(alias="Idempotency-Key", description="The same for every try of one request.")]
