"""What crosses the wire about debts. Amounts are in øre."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.types import Strict as StrictType

from glem_contracts.ids import RecordId
from loan_api.fields import PatronId

Amount = Annotated[int, StrictType(), Field(gt=0, le=10_000_000, description="In øre.")]
OrderId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"),
    Field(description="The payer's own number for the order, unique in the agency; a retried order has the same."),
]
Kind = Literal["fee", "compensation"]


class Order(BaseModel):
    """A body that a caller sends: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class NewDebt(Order):
    """A debt that staff raises. `cause` is a code: a text could name a title (H26)."""

    patron_id: RecordId
    loan_id: RecordId | None = None
    kind: Kind
    amount: Amount
    cause: Literal["lost", "damaged", "card", "reminder", "other"]


class NewPayment(Order):
    """A payment, whole or in part, of a patron's debts: of the named ones, or oldest first."""

    order_id: OrderId
    patron_id: PatronId
    amount: Amount
    debt_ids: Annotated[list[RecordId], Field(min_length=1, max_length=200)] | None = None


class Waiver(Order):
    """How much of a debt to waive; all of it when nothing is said."""

    amount: Amount | None = None


class Material(BaseModel):
    """What a debt is for; shown for as long as it is kept."""

    loan_id: int
    work_id: str
    title: str | None
    creator: str | None


class DebtShown(BaseModel):
    """A debt. `redacted`: its material is gone, and `cause` and `due_on` with it (R52)."""

    model_config = ConfigDict(from_attributes=True)

    debt_id: int
    patron_id: int
    kind: str
    cause: str
    amount: int
    balance: int
    raised_at: AwareDatetime
    settled_at: AwareDatetime | None
    due_on: date | None
    redacted: bool
    materials: list[Material] = Field(default_factory=list)


class EntryShown(BaseModel):
    """A line of a debt's ledger; `amount` is signed as it moves the balance, `order_id` the receipt number."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    amount: int
    at: AwareDatetime
    order_id: str | None


class DebtWithLedger(DebtShown):
    """A debt and how it came to its balance."""

    ledger: list[EntryShown]


class DebtAccount(BaseModel):
    """What a patron owes in all, and the debts that are still kept."""

    patron_id: int
    balance: int
    debts: list[DebtShown]


class Share(BaseModel):
    """What a payment paid of one debt."""

    debt_id: int
    amount: int


class PaymentShown(BaseModel):
    """A payment and what it paid; the same for every retry of its order."""

    order_id: str
    patron_id: int
    amount: int
    at: AwareDatetime
    reversed_at: AwareDatetime | None
    shares: list[Share]
