"""The versions of every policy, and how each change came to be. Append-only by triggers; only the names of staff go, by the clock."""

from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Identity, Index, Interval, String, Text, text

from glem_contracts.events import RetentionDataErased, RetentionDataKept
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from retention_worker.base import Table

ANSWERS = "show who proposed, approved or withdrew a policy change"
CLASS = "policy-change"


class PolicyVersionRow(Table, table=True):
    """A version that was adopted: by a file when `proposal_id` is null, else by a proposal that two people stood for."""

    __tablename__ = "policy_version"

    agency: str = plain(primary_key=True, sa_type=Text)
    record_class: str = plain(primary_key=True, sa_type=Text)
    version: int = plain(primary_key=True)
    period: timedelta = plain(sa_type=Interval)
    action: str = plain(sa_type=Text)
    effective: datetime = plain(sa_type=TIMESTAMP)
    wording_da: str = plain(sa_type=Text)
    wording_en: str = plain(sa_type=Text)
    rows: list[str] = plain(sa_type=ARRAY(Text))
    stated: bool = plain()
    proposal_id: int | None = plain(default=None, sa_type=BigInteger)
    adopted_at: datetime = plain(sa_type=TIMESTAMP)


class PolicyProposal(Table, table=True):
    """A change that somebody wants; what became of it stands in its steps."""

    __tablename__ = "policy_proposal"

    proposal_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    record_class: str = plain()
    period: timedelta = plain(sa_type=Interval)
    wording_da: str = plain()
    wording_en: str = plain()
    effective: datetime = plain(sa_type=TIMESTAMP)
    proposed_at: datetime = plain(sa_type=TIMESTAMP)


class PolicyStep(Table, table=True):
    """A step of a proposal: proposed, approved (with the number that the approver acknowledged), or withdrawn."""

    __tablename__ = "policy_step"
    __table_args__ = (
        Index("policy_step_end", "proposal_id", unique=True, postgresql_where=text("kind <> 'proposed'")),
        Index("policy_step_named", "at", postgresql_where=text("account IS NOT NULL")),
    )

    step: int = plain(
        primary_key=True,
        sa_type=BigInteger,
        sa_column_args=(Identity(always=True),),
        sa_column_kwargs={"autoincrement": "auto"},
    )
    proposal_id: int = plain(sa_type=BigInteger, sa_column_args=(ForeignKey("policy_proposal.proposal_id"),))
    agency: str = plain()
    kind: str = plain()
    account: str | None = personal(ANSWERS, CLASS, default=None, sa_type=String)
    at: datetime = plain(sa_type=TIMESTAMP)
    records: int | None = plain(default=None, sa_type=BigInteger)


POLICY_STEPS = Declared(
    record_class=CLASS,
    model=PolicyStep,
    key="step",
    patron=None,
    only="account IS NOT NULL",
    instead="account = NULL",
    kept_event=RetentionDataKept,
    erased_event=RetentionDataErased,
    anchor="at",
    facts="at",
)
