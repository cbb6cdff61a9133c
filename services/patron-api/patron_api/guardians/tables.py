"""The guardian who answers for a patron under 18."""

from datetime import date

from sqlalchemy import BigInteger, Index

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import personal, plain
from patron_api.base import Table

ANSWER = "the adult who answers for the child, and the proof of the consent (R27, R28)"


class Guardian(Table, table=True):
    """A guardian, with the fields that the agency keeps. Goes on the child's 18th birthday (`until_day`) if no debt is open."""

    __tablename__ = "guardian"
    __table_args__ = (
        Index("guardian_until", "agency", "until_day"),
        Index("guardian_cpr", "agency", "cpr"),
        Index("guardian_as_patron", "as_patron_id"),
    )

    guardian_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(
        ANSWER, "guardian", sa_type=BigInteger, unique=True, foreign_key="patron.patron_id", ondelete="CASCADE"
    )
    as_patron_id: int | None = personal("log in for the child", "guardian", default=None, sa_type=BigInteger)
    cpr: str | None = personal(ANSWER, "guardian", default=None)
    name: str | None = personal(ANSWER, "guardian", default=None)
    phone: str | None = personal(ANSWER, "guardian", default=None)
    email: str | None = personal(ANSWER, "guardian", default=None)
    consent_on: date = personal(ANSWER, "guardian")
    until_day: date = personal("erase at 18 (R27)", "guardian")


OTHER_PERSON = "data about another person, who has an access of their own"
GUARDIANS = Declared(
    record_class="guardian",
    model=Guardian,
    key="guardian_id",
    erased_event=PatronDataErased,
    unshown="shown while the guardian answers for the child",
)
