"""The record classes: kinds of record that one retention policy governs, who owns them, and how a policy is bounded.

A period outside its bounds stops every service at start, for it is more often a slip than a promise (H74).
"""

from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True)
class RecordClass:
    """One kind of record.

    `shortest` and `longest` bound a policy's period; `ahead` is how far an anchor may lie in the future (H60). A class with
    no `actions` has no clock: its records go in the action that ends them. An agency may leave out only an `optional` class.
    """

    name: str
    owner: str
    actions: frozenset[str] = frozenset()
    shortest: timedelta = DAY
    longest: timedelta = 365 * DAY
    ahead: timedelta = timedelta(minutes=5)
    optional: bool = False


ERASE, REDACT, EITHER = frozenset({"erase"}), frozenset({"redact"}), frozenset({"erase", "redact"})
YEARS = 366 * DAY

RECORD_CLASSES = {
    item.name: item
    for item in (
        RecordClass("loan", "loan-api", ERASE),
        RecordClass("debt", "loan-api", EITHER),
        RecordClass("debt-amount", "loan-api", ERASE, longest=6 * YEARS, ahead=YEARS + DAY, optional=True),
        RecordClass("reservation", "loan-api"),
        RecordClass("viewing", "loan-api"),
        RecordClass("homebound-work", "loan-api", ERASE, longest=6 * YEARS, optional=True),
        RecordClass("message-body", "notifier", REDACT),
        RecordClass("message-envelope", "notifier", ERASE, longest=3 * YEARS, optional=True),
        RecordClass("patron", "patron-api"),
        RecordClass("contact", "patron-api"),
        RecordClass("card", "patron-api"),
        RecordClass("guardian", "patron-api"),
        RecordClass("account", "patron-api"),
        RecordClass("internal-note", "patron-api", ERASE),
        RecordClass("patron-note", "patron-api", ERASE),
        RecordClass("absence", "patron-api", ERASE, shortest=timedelta(), ahead=10 * YEARS),
        RecordClass("lifted-block", "patron-api", ERASE),
        RecordClass("request", "patron-api"),
        RecordClass("access-log", "patron-api"),
        RecordClass("legal-hold", "retention-worker"),
        RecordClass("policy-change", "retention-worker"),
    )
}


def complaint(name: str, action: str, period: timedelta) -> str | None:
    """Say what is wrong with a policy of class `name`, or None when nothing is."""
    record_class = RECORD_CLASSES.get(name)
    if record_class is None:
        return f"unknown record class; known: {', '.join(sorted(RECORD_CLASSES))}"
    if not record_class.actions:
        return "records of this class go at once; they take no policy"
    if action not in record_class.actions:
        return f"action: must be one of {', '.join(sorted(record_class.actions))}"
    if not record_class.shortest <= period <= record_class.longest:
        return f"period: must be from {record_class.shortest.days} to {record_class.longest.days} days"
    return None
