"""What crosses the wire about loans."""

from datetime import date, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from glem_contracts.ids import RecordId
from loan_api.fields import Code


class CheckOut(BaseModel):
    """A wish to borrow. `checked_out_at` is told by an automat that was offline; `branch` is where it happens."""

    model_config = ConfigDict(extra="forbid")

    patron_id: RecordId
    item: Code
    branch: Code | None = None
    receipt: bool = False
    checked_out_at: AwareDatetime | None = None


class LoanView(BaseModel):
    """A loan. `closed_as`: lost or damaged, else null; `renewal`: why it cannot be renewed now, by FBS' name, null if it can."""

    loan_id: int
    patron_id: int
    item: str
    work_id: str
    title: str
    creator: str
    type: str
    branch: str
    loaned_at: datetime
    due_on: date
    renewals: int
    returned_at: datetime | None = None
    closed_as: str | None = None
    renewal: str | None = None
