"""What a sweep may do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from glem_retention.agencies import Agencies
from retention_worker.clocks.store import Scope

# Of what a backlog takes, this part as much again is left to records that fell due within the hour.
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
    """Narrow `scopes`, which have more due than one order takes, to what fell due just now: it does not wait for a backlog (H63)."""
    return [replace(scope, after=max(scope.after, scope.cutoff - NEW)) for scope in scopes]


def clock_is_sound(skew: timedelta, largest: timedelta) -> bool:
    """Say whether this machine and the database agree on the time well enough to erase by it (H59)."""
    return abs(skew) <= largest


def halves(record_ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split an order that failed, to find the record that it failed on."""
    middle = len(record_ids) // 2
    return list(record_ids[:middle]), list(record_ids[middle:])
