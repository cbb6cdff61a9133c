"""Kinds of values that cross the wire in several slices."""

from typing import Annotated, Literal

from fastapi import Header
from pydantic import StringConstraints

from glem_contracts.ids import RecordId

Code = Annotated[str, StringConstraints(pattern=r"^[^\s\x00]{1,100}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]
PatronId = RecordId | Literal["me"]
Key = Annotated[Code | None, Header(alias="Idempotency-Key", description="The same for every try of one request.")]
