"""What crosses the wire about claims."""

from datetime import datetime

from pydantic import BaseModel


class Claim(BaseModel):
    """Where a claim stands. `claimed_at`: null once it is rejected; `returned_at`: when it was accepted, null before."""

    loan_id: int
    claimed_at: datetime | None
    returned_at: datetime | None
