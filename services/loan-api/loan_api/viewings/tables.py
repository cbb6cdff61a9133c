"""The log of viewings, without titles. What leads to a loan goes with the loan."""

from datetime import datetime

from sqlalchemy import BigInteger, Index

from glem_contracts.events import ViewingsErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from loan_api.base import Table

ANSWER_FOR = "show which of the staff looked at a patron's ended loans (R41, R84)"
CLASS = "viewing"


class Viewing(Table, table=True):
    """One look at a patron's ended loans: by whom, when, with which code for the reason."""

    __tablename__ = "viewing"
    __table_args__ = (
        Index("viewing_patron", "patron_id"),
        Index("viewing_staff", "agency", "staff", "at"),
        Index("viewing_age", "agency", "at"),
    )

    viewing_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    staff: str = personal(ANSWER_FOR, CLASS)
    patron_id: int = personal(ANSWER_FOR, CLASS, sa_type=BigInteger)
    at: datetime = personal(ANSWER_FOR, CLASS, sa_type=TIMESTAMP)
    reason: str = personal(ANSWER_FOR, CLASS)


class ViewedLoan(Table, table=True):
    """A loan that was looked at; the row goes with the loan (H106)."""

    __tablename__ = "viewed_loan"
    __table_args__ = (Index("viewed_loan_loan", "loan_id"),)

    viewing_id: int = plain(primary_key=True, sa_type=BigInteger)
    loan_id: int = personal(ANSWER_FOR, "loan", primary_key=True, sa_type=BigInteger)
    agency: str = plain()


VIEWINGS = Declared(
    record_class=CLASS,
    model=Viewing,
    key="viewing_id",
    erased_event=ViewingsErased,
    anchor="at",
    facts="at",
    hangs=(("viewed_loan", "viewing_id"),),
    shown_as="viewing",
    left_out={"staff": "about the member of staff, who is another person"},
)
