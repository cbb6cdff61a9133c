"""Events of loan-api about debts. Amounts are in øre."""

from pydantic import Field

from glem_contracts.events.envelope import EventData
from glem_contracts.events.topics import DEBTS


class DebtEvent(EventData):
    """A debt and the patron's new balance; `balance_version` increases per patron. Amounts are in øre."""

    topic = DEBTS

    patron_id: int
    kind: str = Field(description="fee or compensation")
    amount: int
    balance: int
    patron_balance: int
    balance_version: int
    over_limit: bool = Field(description="The patron owes the agency's debt limit or more (block E).")


class DebtRaised(DebtEvent):
    """A debt was raised."""


class DebtPaid(DebtEvent):
    """A debt was paid, whole or in part."""

    paid: int


class DebtWaived(DebtEvent):
    """A part of a debt was waived; when nothing is left, DebtSettled is recorded instead."""

    waived: int


class DebtSettled(DebtEvent):
    """Nothing is left of a debt."""

    how: str = Field(description="paid or waived")


class DebtReversed(DebtEvent):
    """A payment was taken back (chargeback); the debt is open again."""


class DebtErased(EventData):
    """Debts that fell due were erased, or their material was (R52, R53)."""

    topic = DEBTS
