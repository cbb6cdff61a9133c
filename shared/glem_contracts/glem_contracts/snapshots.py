"""Snapshots: what lending needs to know of a patron whom no event has told it of yet, or whether a patron is erased (H107).

loan-api and notifier call, patron-api answers: with 404 for a patron it does not know, 410 for one who is erased.
"""

from datetime import date

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call


class Snapshot(BaseModel):
    """The fields of a PatronSnapshot event (see there), and the agency. A higher version replaces a lower one."""

    patron_id: int
    agency: str
    version: int
    patron_group: str
    age_band: int
    home_branch: str
    blocks: list[str]
    absent_from: date | None
    absent_until: date | None


READ_SNAPSHOT = Call("GET", "/patrons/{patron_id}/snapshot", ("patron-api",), TypeAdapter(Snapshot))
