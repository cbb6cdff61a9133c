"""What patron-api answers about a patron that lending has not met."""

from datetime import date

from pydantic import BaseModel


class Snapshot(BaseModel):
    """The fields of a PatronSnapshot event, and the agency; others that patron-api adds are passed over."""

    agency: str
    patron_id: int
    version: int
    patron_group: str
    age_band: int
    home_branch: str
    blocks: list[str]
    absent_from: date | None
    absent_until: date | None
