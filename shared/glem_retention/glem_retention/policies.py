"""What several versions of a retention policy together make due.

A shorter period takes effect for every record at the version's effective time; a longer one only for anchors from then on,
so that it never lengthens what was promised, and nothing that is due comes back (H72). The first version counts as in force
since ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# The finest step of PostgreSQL's time, and of Python's.
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """One version of a policy: what decides when a record is due, and what becomes of it then."""

    version: int
    period: timedelta
    action: str
    effective: datetime


def cutoff(terms: Sequence[PolicyTerms], now: datetime) -> datetime:
    """Return the latest anchor that is due at `now`; `terms` are all versions, oldest first, and at least one."""
    return max(
        now - version.period if later is None else min(now - version.period, later.effective - INSTANT)
        for place, (version, later) in enumerate(_followed(terms))
        if place == 0 or version.effective <= now
    )


def due_at(terms: Sequence[PolicyTerms], anchor: datetime) -> datetime:
    """Return when a record anchored at `anchor` is due: the earliest that any version in force then or later makes it."""
    return min(
        anchor + version.period if place == 0 else max(version.effective, anchor + version.period)
        for place, (version, later) in enumerate(_followed(terms))
        if later is None or anchor < later.effective
    )


def in_force(terms: Sequence[PolicyTerms], now: datetime) -> PolicyTerms:
    """Return the version in force at `now`: what the register names (H76)."""
    return next((version for version in reversed(terms) if version.effective <= now), terms[0])


def _followed(terms: Sequence[PolicyTerms]) -> Iterator[tuple[PolicyTerms, PolicyTerms | None]]:
    return zip(terms, [*terms[1:], None], strict=True)
