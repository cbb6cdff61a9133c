"""What crosses the wire to services that ask what a patron still has."""

from pydantic import BaseModel


class Standing(BaseModel):
    """What keeps a patron from being erased (R32), and the reservations that would go."""

    open_loans: int
    open_debts: int
    reservations: int
