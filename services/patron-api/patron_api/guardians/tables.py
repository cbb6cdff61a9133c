"""The guardian who answers for a patron under 18."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared, Parent
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

ANSWER = "the adult who answers for the child, and the proof of the consent (R27, R28)"


class Guardian(Table, table=True):
    """A guardian, with the fields that the agency keeps.

    `anchor` is the start of the child's 18th birthday (`until_day`, a Danish day), or `cleared_at` when that is later: when the
    child's last debt was settled. While the child owes both are null.
    """

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
    cleared_at: datetime | None = personal(
        "keep the guardian while a debt is open (R28)", "guardian", default=None, sa_type=TIMESTAMP
    )
    anchor: datetime | None = personal("erase when due (R27)", "guardian", default=None, sa_type=TIMESTAMP)
    clock_version: int = plain(default=1)


BEGINS = "greatest(until_day::timestamp AT TIME ZONE 'Europe/Copenhagen', cleared_at)"
OTHER_PERSON = "data about another person, who has an access of their own"
GUARDIANS = Declared(
    record_class="guardian",
    model=Guardian,
    key="guardian_id",
    erased_event=PatronDataErased,
    anchor="anchor",
    # A debt that was raised when the guardian was due already holds nothing: that anchor stays.
    facts=f"(SELECT CASE WHEN NOT owes OR guardian.anchor IS NOT NULL THEN {BEGINS} END"  # noqa: S608  a constant
    " FROM patron WHERE patron.patron_id = guardian.patron_id)",
    version="clock_version",
    parent=Parent(table="patron", key="patron_id"),
    shown_as="guardian",
    left_out=dict.fromkeys(("as_patron_id", "cpr", "name", "phone", "email"), OTHER_PERSON),
)
