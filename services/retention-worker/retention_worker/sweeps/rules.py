"""Which records a sweep may lease, and when it must not run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from glem_retention.agencies import Agencies
from retention_worker.clocks.store import Scope

# A backlog's orders are followed by 1/10 as many records that fell due within the last hour.
SHARE_OF_NEW = 10
NEW = timedelta(hours=1)


def scopes_of(agencies: Agencies, now: datetime) -> list[Scope]:
    """Return every agency and record class that has a policy, with the latest anchor that is due at `now`."""
    return [
        Scope(isil, record_class, cutoff)
        for isil, agency in agencies.items()
        for record_class in agency.retention
        if (cutoff := agencies.cutoff(isil, record_class, now)) is not None
    ]


def newly_due(scopes: Sequence[Scope]) -> list[Scope]:
    """Narrow `scopes`, which have a backlog, to records that fell due within the hour: these do not wait for it (H63)."""
    return [replace(scope, after=max(scope.after, scope.cutoff - NEW)) for scope in scopes]


def clock_is_sound(skew: timedelta, largest: timedelta) -> bool:
    """Say whether the clocks of this machine and of the database agree well enough to erase (H59)."""
    return abs(skew) <= largest


def halves(record_ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split a failed order, to find the record that causes the failure."""
    middle = len(record_ids) // 2
    return list(record_ids[:middle]), list(record_ids[middle:])
