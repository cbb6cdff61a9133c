"""Legal holds, as the owners of records ask about them: a held record must not be erased, and its patron may see that it is (H49).

loan-api calls, the retention worker answers.
"""

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.ids import RecordId

LARGEST_HOLD = 1000
"""Records in one hold, and in one question."""


class NamedRecords(BaseModel):
    """Records of one class, named one by one: a whole class cannot be held."""

    record_class: str
    record_ids: list[RecordId] = Field(min_length=1, max_length=LARGEST_HOLD)


class RecordHold(BaseModel):
    """A legal hold on one record, and until when it lasts."""

    record_class: str
    record_id: int
    ends_at: AwareDatetime


LOOK_UP_HOLDS = Call("POST", "/holds/lookup", ("retention-worker",), TypeAdapter(list[RecordHold]), asked=NamedRecords)
"""Return those of the records that are held now."""
