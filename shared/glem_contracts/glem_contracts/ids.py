"""Ids as they cross the wire: random positive integers that JavaScript holds exactly."""

from typing import Annotated

from pydantic import Field

LARGEST_ID = 2**53 - 1
RecordId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
