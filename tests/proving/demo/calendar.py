"""The steps of the clock: two and a half hours by day and longer by night, so that everything falls due between two of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glem.clock import COPENHAGEN, local_date

EARLY, OPENING, CLOSING = 5, 9, 19
FIRST_MONTH = 9
DAY_STEP = (140 * 60, 150 * 60)
NIGHT_STEP = (260 * 60, 300 * 60)


@dataclass(frozen=True)
class Step:
    """One instant at which the clock stands. `open`: the libraries are; `seconds` is how far the clock travels to it."""

    number: int
    at: datetime
    seconds: float
    open: bool
    new_day: bool


def first_of_september(now: datetime) -> datetime:
    """Return the next 1 September, 6:00 in Denmark: the clock goes forward only, and summer time ends eight weeks later."""
    year = now.year
    while True:
        start = datetime(year, FIRST_MONTH, 1, 6, tzinfo=COPENHAGEN).astimezone(UTC)
        if start > now + timedelta(days=1):
            return start
        year += 1


def make_calendar(start: datetime, days: int, seed: int) -> list[Step]:
    """Return the steps of `days` days after `start`; the same seed, the same steps."""
    chance = random.Random(f"{seed}/calendar")
    steps: list[Step] = []
    now, end = start, start + timedelta(days=days)
    while now < end:
        by_night = not EARLY <= now.astimezone(COPENHAGEN).hour < CLOSING
        shortest, longest = NIGHT_STEP if by_night else DAY_STEP
        seconds = float(chance.randrange(shortest, longest + 1))
        later = now + timedelta(seconds=seconds)
        hour = later.astimezone(COPENHAGEN).hour
        new_day = local_date(later) != local_date(now)
        steps.append(Step(len(steps), later, seconds, OPENING <= hour < CLOSING, new_day))
        now = later
    return steps


def next_open(steps: Sequence[Step], at: datetime) -> int | None:
    """Return the number of the first step of opening hours at or after `at`; None when the demo ends before."""
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if steps[middle].at < at:
            low = middle + 1
        else:
            high = middle
    return next((step.number for step in steps[low:] if step.open), None)
