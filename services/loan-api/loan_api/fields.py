"""Types of values that requests and answers of several slices hold."""

from typing import Annotated, Literal

from fastapi import Header
from pydantic import StringConstraints, TypeAdapter

from glem.plain_routes import PlainHeader
from glem_contracts.ids import RecordId

Code = Annotated[str, StringConstraints(pattern=r"^[^\s\x00]{1,100}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]
PatronId = RecordId | Literal["me"]
# For a plain route, and for one that FastAPI serves.
KEY: PlainHeader[str] = PlainHeader("Idempotency-Key", TypeAdapter(Code), "The same for every try of one request.")
Key = Annotated[Code | None, Header(alias=KEY.name, description=KEY.description)]
