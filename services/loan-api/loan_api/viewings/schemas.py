"""What crosses the wire about viewings."""

from datetime import datetime

from pydantic import BaseModel


class ViewingShown(BaseModel):
    """One look of staff at a patron's ended loans; `loan_ids` are those that are still kept."""

    viewing_id: int
    staff: str
    patron_id: int
    at: datetime
    reason: str
    loan_ids: list[int]
