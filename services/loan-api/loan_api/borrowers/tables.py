"""The borrower row: a copy of what patron-api's events say, and what the patron owes."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ARRAY, BigInteger, Text

from glem_retention.personal import personal, plain
from loan_api.base import Table

LENDING = "decide what may be lent, for how long, at which fee (R7, R14-R17)"


class Borrower(Table, table=True):
    """A patron as lending knows one. Locked by check-out, debts and erasure, so that they cannot pass each other (H39).

    An erased patron leaves the random id alone (`erased`), so that late events about it change nothing.
    """

    __tablename__ = "borrower"

    patron_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    version: int = plain(default=0, sa_type=BigInteger)
    erased: bool = plain(default=False)
    patron_group: str | None = personal(LENDING, "patron", default=None)
    age_band: int | None = personal(LENDING, "patron", default=None)
    home_branch: str | None = personal(LENDING, "patron", default=None)
    blocks: list[str] = personal(LENDING, "patron", default_factory=list, sa_type=ARRAY(Text))
    absent_from: date | None = personal("fill no reservation in an absence (R13)", "absence", default=None)
    absent_until: date | None = personal("fill no reservation in an absence (R13)", "absence", default=None)
    balance: int = personal("block at the debt limit (R57)", "patron", default=0, sa_type=BigInteger)
    balance_version: int = plain(default=0, sa_type=BigInteger)


@dataclass(frozen=True, slots=True)
class BorrowerRow:
    """A borrower as read from the database."""

    patron_id: int
    agency: str
    version: int
    erased: bool
    patron_group: str | None
    age_band: int | None
    home_branch: str | None
    blocks: list[str]
    absent_from: date | None
    absent_until: date | None
    balance: int
    balance_version: int
