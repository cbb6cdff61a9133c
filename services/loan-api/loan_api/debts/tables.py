"""The debt, what it is for, and its ledger. Amounts are in øre."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text

from glem_retention.personal import TIMESTAMP, personal, plain
from loan_api.base import Table

COLLECT = "collect what is owed (R51)"
ACCOUNT = "accounts, without material (R52)"
MATERIAL = "say what a debt is for (R52)"
REDACTED_CAUSE = "redacted"


class Debt(Table, table=True):
    """Money owed: a fee or a compensation; settled when `balance` is 0. `due_on` (the loan's) is material information.

    Two clocks: `anchor` (the settlement) for class `debt`, which erases the record or redacts its material by the agency's
    policy; `amount_anchor` (the end of the accounting year of the settlement) for class `debt-amount`, where only the
    material goes first (R52, R53). Both are null while the debt is open, and `anchor` once the material is away by the worker's
    order: a redacted debt with an anchor lost its material to a chargeback, and no register knows of it yet.
    """

    __tablename__ = "debt"
    __table_args__ = (
        Index("debt_patron", "patron_id"),
        Index("debt_settled", "agency", "settled_at", postgresql_where=text("settled_at IS NOT NULL")),
        Index(
            "debt_with_material",
            "agency",
            "settled_at",
            postgresql_where=text("settled_at IS NOT NULL AND NOT redacted"),
        ),
        Index("debt_unregistered", "agency", "anchor", postgresql_where=text("redacted AND anchor IS NOT NULL")),
    )

    debt_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    kind: str = personal(ACCOUNT, "debt-amount")
    cause: str = personal(COLLECT, "debt")
    amount: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    balance: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    raised_at: datetime = personal(ACCOUNT, "debt-amount", sa_type=TIMESTAMP)
    settled_at: datetime | None = personal(ACCOUNT, "debt-amount", default=None, sa_type=TIMESTAMP)
    in_collection_since: datetime | None = personal(
        "know which debts are with the collector (R51)", "debt-amount", default=None, sa_type=TIMESTAMP
    )
    due_on: date | None = personal(MATERIAL, "debt", default=None)
    redacted: bool = plain(default=False)
    anchor: datetime | None = personal("erase when due (R52, R53)", "debt", default=None, sa_type=TIMESTAMP)
    amount_anchor: datetime | None = personal("erase when due", "debt-amount", default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=0)


class DebtMaterial(Table, table=True):
    """What a debt is for: one row per loan, for one fee may stand for all that was due and returned together."""

    __tablename__ = "debt_material"
    __table_args__ = (Index("debt_material_loan", "loan_id"),)

    debt_id: int = personal(MATERIAL, "debt", primary_key=True, sa_type=BigInteger)
    loan_id: int = personal(MATERIAL, "debt", primary_key=True, sa_type=BigInteger)
    item_id: int = personal(MATERIAL, "debt", sa_type=BigInteger)
    work_id: str = personal(MATERIAL, "debt")


class DebtEntry(Table, table=True):
    """A line of the ledger: raised, payment, waiver, reversal. `amount` is signed as it moves the balance.

    `order_id` is the payment's; or the key of the request that raised or waived, so that a retried one is known, which goes with
    the material.
    """

    __tablename__ = "debt_entry"
    __table_args__ = (Index("debt_entry_debt", "debt_id"), Index("debt_entry_order", "agency", "order_id"))

    entry_id: int = plain(primary_key=True, sa_type=BigInteger)
    debt_id: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    agency: str = plain()
    kind: str = personal(ACCOUNT, "debt-amount")
    amount: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    at: datetime = personal(ACCOUNT, "debt-amount", sa_type=TIMESTAMP)
    order_id: str | None = personal(ACCOUNT, "debt-amount", default=None)


class Payment(Table, table=True):
    """A payment by its order id, so that a retried one is not taken twice; gone with the last of its entries."""

    __tablename__ = "payment"

    agency: str = plain(primary_key=True)
    order_id: str = personal(ACCOUNT, "debt-amount", primary_key=True)
    patron_id: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    amount: int = personal(ACCOUNT, "debt-amount", sa_type=BigInteger)
    at: datetime = personal(ACCOUNT, "debt-amount", sa_type=TIMESTAMP)
    reversed_at: datetime | None = personal(ACCOUNT, "debt-amount", default=None, sa_type=TIMESTAMP)


class DebtTotal(Table, table=True):
    """The ledger of a day in figures alone, kept when the debts themselves are erased (R53, H27); nothing here is about a person.

    Erasure adds the entries that it deletes; what still stands in the ledger is not counted here. `amount` is signed, in øre.
    """

    __tablename__ = "debt_total"

    agency: str = plain(primary_key=True)
    day: date = plain(primary_key=True)
    kind: str = plain(primary_key=True)
    entry: str = plain(primary_key=True)
    entries: int = plain(sa_type=BigInteger)
    amount: int = plain(sa_type=BigInteger)


@dataclass(frozen=True, slots=True)
class DebtRow:
    """A row of `debt`, as the store reads and writes it."""

    debt_id: int
    agency: str
    patron_id: int
    kind: str
    cause: str
    amount: int
    balance: int
    raised_at: datetime
    settled_at: datetime | None = None
    due_on: date | None = None
    redacted: bool = False
    anchor: datetime | None = None
    amount_anchor: datetime | None = None
    clock_version: int = 1


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of `debt_entry`."""

    entry_id: int
    debt_id: int
    kind: str
    amount: int
    at: datetime
    order_id: str | None


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A row of `payment`."""

    agency: str
    order_id: str
    patron_id: int
    amount: int
    at: datetime
    reversed_at: datetime | None
