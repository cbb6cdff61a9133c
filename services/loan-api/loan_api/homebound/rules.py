"""The rules of the homebound list: values and a time in, a value out."""

from datetime import UTC, date, datetime, time

from glem.problems import ProblemType, Refusal

FBS_CODE = "previously_loaned_by_homebound_patron"
PREVIOUSLY_LOANED = ProblemType(
    "previously-loaned-by-homebound-patron",
    409,
    "Låneren har haft dette værk før. Bestil det med »igen«, hvis det ønskes alligevel.",
    "The patron has had this work before. Ask for it “again” if it is wanted nevertheless.",
)


def month_of(now: datetime) -> date:
    """Return the first day of the month of `now`, in UTC: all that is kept of when a work entered the list."""
    return now.astimezone(UTC).date().replace(day=1)


def anchor_of(month: date) -> datetime:
    """Return the time from which the period of works that entered in `month` runs: its beginning, so never too late."""
    return datetime.combine(month, time(), UTC)


def may_have_again(*, had_before: bool, again: bool) -> Refusal | None:
    """Refuse a work that is on the list, unless it is asked for again."""
    return PREVIOUSLY_LOANED(fbs=FBS_CODE) if had_before and not again else None
