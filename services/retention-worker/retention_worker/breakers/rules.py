"""How many records may go of one due day, and which anchors a breaker keeps (docs/decisions/0007-breaker.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import ceil

from glem.problems import ProblemType, Refusal
from glem_retention.agencies import Agencies
from glem_retention.policies import INSTANT
from retention_worker.clocks.store import Scope

TOLERANCE = 0.1
DAYS_COUNTED = 28
LOOK_BACK = timedelta(days=3660)

NOT_OPEN = ProblemType(
    "breaker-not-open",
    409,
    "Der er ingen spærring for {record_class}.",
    "No breaker is open for {record_class}.",
)
OTHER_NUMBER = ProblemType(
    "breaker-other-number",
    409,
    "Antallet er nu {records}. Se efter, hvad det er for poster, og bekræft det tal.",
    "The number is {records} now. Look what these records are, and acknowledge that number.",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """`times` the usual day may go; a day counts as at least `floor` records."""

    floor: int
    times: float


@dataclass(frozen=True, slots=True)
class Window:
    """The records of one scope that fall due on one day: anchors after `after` up to and with `until`."""

    agency: str
    record_class: str
    day: date
    after: datetime
    until: datetime


def allowed(limits: Limits, usual: float, acknowledged: int) -> int:
    """Return how many records of one due day may go, of which `acknowledged` were looked at by somebody."""
    return ceil(limits.times * max(limits.floor, usual)) + ceil((1 + TOLERANCE) * acknowledged)


def same_number(now: int, acknowledged: int) -> bool:
    """Say whether a number of records is still about the one that somebody has seen."""
    return abs(now - acknowledged) <= TOLERANCE * max(acknowledged, 0)


def check_number(now: int, acknowledged: int) -> Refusal | None:
    """Refuse an acknowledgement of a number that is no longer so."""
    return None if same_number(now, acknowledged) else OTHER_NUMBER(records=now)


def day_window(agencies: Agencies, agency: str, record_class: str, day: date) -> Window | None:
    """Return the window of the records that fall due on `day` (UTC), or None when the agency has no policy for the class.

    Which anchors these are follows from the cutoff, for what is due by a moment is what is anchored at or before its cutoff.
    """
    begins = datetime.combine(day, time(), UTC)
    after = agencies.cutoff(agency, record_class, begins - INSTANT)
    until = agencies.cutoff(agency, record_class, begins + timedelta(days=1) - INSTANT)
    return Window(agency, record_class, day, after, until) if after is not None and until is not None else None


def windows(agencies: Agencies, scope: Scope, oldest: datetime, now: datetime) -> list[Window]:
    """Return the due days of a scope from that of its oldest anchor to today, at most ten years of them."""
    due = agencies.due_at(scope.agency, scope.record_class, oldest)
    first = max(due or now, now - LOOK_BACK).astimezone(UTC).date()
    days = [first + timedelta(days=each) for each in range((now.astimezone(UTC).date() - first).days + 1)]
    found = [day_window(agencies, scope.agency, scope.record_class, day) for day in days]
    return [replace(window, until=min(window.until, scope.cutoff)) for window in found if window is not None]


def without(scopes: Iterable[Scope], kept: Sequence[Window]) -> list[Scope]:
    """Return the scopes with the windows that breakers keep cut out of them."""
    found: list[Scope] = []
    for scope in scopes:
        begin = scope
        for window in sorted(
            (each for each in kept if (each.agency, each.record_class) == (scope.agency, scope.record_class)),
            key=lambda each: each.after,
        ):
            if window.after > begin.after:
                found.append(replace(begin, cutoff=min(window.after, scope.cutoff)))
            begin = replace(begin, after=max(begin.after, window.until))
        if begin.after < scope.cutoff:
            found.append(begin)
    return found
