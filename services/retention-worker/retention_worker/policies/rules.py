"""What a change of a policy may be, and who may approve it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from glem.problems import ProblemType, Refusal
from glem_contracts.record_classes import RECORD_CLASSES
from glem_retention.agencies import Agencies
from glem_retention.policies import PolicyTerms, cutoff

NOTICE = timedelta(hours=24)
FARTHEST = timedelta(days=366)
GROWTH = 0.1

NO_AGENCY = ProblemType(
    "agency-missing", 422, "Angiv hvilket bibliotek det gælder.", "Say which library this is about."
)
NO_POLICY = ProblemType(
    "no-such-policy",
    422,
    "Biblioteket har ingen periode for {record_class}, som kan ændres.",
    "The library has no period for {record_class} that could be changed.",
)
OUT_OF_BOUNDS = ProblemType(
    "policy-out-of-bounds",
    422,
    "Perioden for {record_class} skal være mellem {shortest} og {longest} dage.",
    "The period for {record_class} must be between {shortest} and {longest} days.",
)
OTHER_ACTION = ProblemType(
    "policy-other-action",
    422,
    "Hvad der sker med {record_class} ({action}), kan ikke ændres her.",
    "What becomes of {record_class} ({action}) cannot be changed here.",
)
UNCHANGED = ProblemType(
    "policy-unchanged",
    422,
    "Det er den periode, der gælder i forvejen.",
    "That is the period that is in force already.",
)
TOO_SOON = ProblemType(
    "policy-too-soon",
    422,
    "En ændring skal være godkendt mindst 24 timer før, den gælder, og senest et år før. Vælg et tidspunkt efter {earliest}.",
    "A change must be approved at least 24 hours, and at most a year, before it takes effect. Choose a time after {earliest}.",
)
NO_SUCH_PROPOSAL = ProblemType("no-such-proposal", 404, "Forslaget findes ikke.", "There is no such proposal.")
ENDED = ProblemType(
    "proposal-ended",
    409,
    "Forslaget er allerede godkendt eller trukket tilbage.",
    "The proposal is approved or withdrawn already.",
)
SAME_PERSON = ProblemType(
    "second-person-needed",
    403,
    "En anden end den, der har stillet forslaget, skal godkende det.",
    "Somebody else than who proposed it must approve it.",
)
OTHER_NUMBER = ProblemType(
    "preview-other-number",
    409,
    "Ændringen rammer nu {records} poster. Se forhåndsvisningen igen, og bekræft det tal.",
    "The change hits {records} records now. Look at the preview again, and acknowledge that number.",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed, with all versions known so far."""

    record_class: str
    period: timedelta
    action: str | None
    effective: datetime
    known: Sequence[PolicyTerms]

    @property
    def version(self) -> int:
        """The version that it would become."""
        return self.known[-1].version + 1 if self.known else 1

    @property
    def terms(self) -> PolicyTerms:
        """The version that it would become."""
        return PolicyTerms(self.version, self.period, self.known[-1].action, self.effective)


def check(change: Change, now: datetime) -> Refusal | None:
    """Refuse what is out of bounds (H74), changes nothing or something else than the period, or comes too soon."""
    record_class = RECORD_CLASSES.get(change.record_class)
    if record_class is None or not change.known:
        return NO_POLICY(record_class=change.record_class)
    newest = change.known[-1]
    if not record_class.shortest <= change.period <= record_class.longest:
        return OUT_OF_BOUNDS(
            record_class=change.record_class, shortest=record_class.shortest.days, longest=record_class.longest.days
        )
    if change.action not in {None, newest.action}:
        return OTHER_ACTION(record_class=change.record_class, action=newest.action)
    if change.period == newest.period:
        return UNCHANGED()
    # The owners must have it in their books by then; and a version never takes effect before an older one.
    earliest = max(now + NOTICE, newest.effective)
    if not earliest < change.effective <= now + FARTHEST:
        return TOO_SOON(earliest=earliest.isoformat(timespec="seconds"))
    return None


def hit(change: Change) -> tuple[datetime, datetime]:
    """Return the anchors (after the one, up to and with the other) that the change makes due at its effective time."""
    return cutoff(change.known, change.effective), cutoff([*change.known, change.terms], change.effective)


def check_approval(proposer: str | None, approver: str, records: int, acknowledged: int) -> Refusal | None:
    """Refuse the proposer's own approval, and one of a number that is more than a tenth away from what it is now."""
    if proposer == approver:
        return SAME_PERSON()
    if abs(records - acknowledged) > GROWTH * acknowledged:
        return OTHER_NUMBER(records=records)
    return None


def state_of(kinds: Sequence[str]) -> str:
    """Return the state of a proposal with these steps."""
    return "withdrawn" if "withdrawn" in kinds else "adopted" if "approved" in kinds else "proposed"


def new_in_files(agencies: Agencies, known: set[tuple[str, str, int]], now: datetime) -> list[dict[str, Any]]:
    """Return the versions that stand in the agencies' files and are not adopted yet."""
    return [
        {
            "agency": isil,
            "record_class": record_class,
            "version": policy.version,
            "period": policy.period,
            "action": policy.action,
            "effective": policy.effective,
            "wording_da": policy.wording,
            "wording_en": policy.wording_en,
            "rows": policy.rows,
            "stated": policy.stated,
            "proposal_id": None,
            "adopted_at": now,
        }
        for isil, agency in agencies.items()
        for record_class, policy in agency.retention.items()
        if not any(each[:2] == (isil, record_class) and each[2] >= policy.version for each in known)
    ]
