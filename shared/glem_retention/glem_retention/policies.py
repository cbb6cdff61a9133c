"""Computes what is due by all versions of a retention policy.

A shorter period takes effect for every record at the version's effective time; a longer one only for anchors from then on,
so that it never lengthens what was promised, and nothing that is due comes back (H72). The first version counts as in force
since ever.

This is the rule. The retention worker's register computes `due_at` once more, in SQL and for a thousand records at a time, from
the same `reaches` (register/store.py); tests/retention_worker/test_due.py holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

# The smallest unit of time in PostgreSQL and Python.
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """One version of a policy: when a record is due, and the action then."""

    version: int
    period: timedelta
    action: str
    effective: datetime


class PolicyReach(NamedTuple):
    """What one version of a policy does to anchors: it makes a record due `period` after its anchor.

    `since`: not before this time; None for the first version. `until`: only records anchored before this time; None for the
    newest version.
    """

    period: timedelta
    since: datetime | None
    until: datetime | None


def reaches(terms: Sequence[PolicyTerms]) -> list[PolicyReach]:
    """Return what each version does; `terms` are all versions, oldest first."""
    followers = [version.effective for version in terms[1:]]
    return [
        PolicyReach(version.period, since, until)
        for version, since, until in zip(terms, [None, *followers], [*followers, None], strict=False)
    ]


def cutoff(terms: Sequence[PolicyTerms], now: datetime) -> datetime:
    """Return the latest anchor that is due at `now`; `terms` are all versions, oldest first, and at least one."""
    return max(
        now - reach.period if reach.until is None else min(now - reach.period, reach.until - INSTANT)
        for reach in reaches(terms)
        if reach.since is None or reach.since <= now
    )


def due_at(terms: Sequence[PolicyTerms], anchor: datetime) -> datetime:
    """Return when a record anchored at `anchor` is due: the earliest that any version in force then or later makes it."""
    return min(
        anchor + reach.period if reach.since is None else max(reach.since, anchor + reach.period)
        for reach in reaches(terms)
        if reach.until is None or anchor < reach.until
    )


def in_force(terms: Sequence[PolicyTerms], now: datetime) -> PolicyTerms:
    """Return the version in force at `now`, which the register names (H76)."""
    return next((version for version in reversed(terms) if version.effective <= now), terms[0])
