"""Ids in requests and answers: random positive integers, small enough for JavaScript."""

from typing import Annotated

from pydantic import Field

LARGEST_ID = 2**53 - 1
RecordId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
