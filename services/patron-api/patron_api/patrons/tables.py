"""The patron row: who the patron is, how far log-in failures have come, and what lending is told."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint, literal_column

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

IDENTIFY = "identify the patron and keep the address right (R4, R5)"
LOG_IN = "log in (R21, R69)"
POLICY = "decide what may be lent and for how long (R16, R7)"


class Patron(Table, table=True):
    """A patron of one agency; the same person may be registered at several, once at each.

    `version` counts up with each snapshot event. Every action that changes something of a patron locks this row first.
    """

    __tablename__ = "patron"
    __table_args__ = (
        UniqueConstraint("agency", "cpr", name="patron_cpr"),
        Index(
            "patron_name",
            "agency",
            literal_column("lower(name)").label("lower_name"),
            postgresql_ops={"lower_name": "text_pattern_ops"},
        ),
    )

    patron_id: int = personal("number the patron in all records (R3)", "patron", primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    version: int = plain(default=1, sa_type=BigInteger)
    cpr: str = personal(IDENTIFY, "patron")
    birth_date: date = personal("fee band and age limits (R7)", "patron")
    name: str = personal("identify the patron and address letters (R6)", "patron")
    protected: bool = personal("hide name and address (R25)", "patron", default=False)
    municipality: str = personal("statistics, right to digital services (R18)", "patron")
    patron_group: str = personal(POLICY, "patron")
    age_band: int = personal(POLICY, "patron")
    home_branch: str = personal("where reservations are picked up (R17)", "patron")
    language: str = personal("language of messages (R19)", "patron")
    registered_at: datetime = personal("when the patron agreed to be registered (R1)", "patron", sa_type=TIMESTAMP)
    pin_hash: str = personal(LOG_IN, "patron")
    failed_logins: int = personal(LOG_IN, "patron", default=0)
    locked_until: datetime | None = personal(LOG_IN, "patron", default=None, sa_type=TIMESTAMP)
    owes: bool = personal("keep the guardian while a debt is open (R28)", "patron", default=False)
    balance_version: int = plain(default=0, sa_type=BigInteger)


PATRONS = Declared(
    record_class="patron",
    model=Patron,
    key="patron_id",
    erased_event=PatronDataErased,
    shown_as="patron",
    left_out={"pin_hash": "a secret by which one logs in; to give it away would let others in"},
)
