"""What a sweep may do."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from glem.agencies import Agencies
from retention_worker.clocks.store import Scope


def scopes_of(agencies: Agencies, now: datetime) -> list[Scope]:
    """Return every agency and record class that has a policy, with the latest anchor that is due at `now`."""
    return [
        Scope(isil, record_class, cutoff)
        for isil, agency in agencies.items()
        for record_class in agency.retention
        if (cutoff := agencies.cutoff(isil, record_class, now)) is not None
    ]


def clock_is_sound(skew: timedelta, largest: timedelta) -> bool:
    """Say whether this machine and the database agree on the time well enough to erase by it (H59)."""
    return abs(skew) <= largest


def halves(record_ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split an order that failed, to find the record that it failed on."""
    middle = len(record_ids) // 2
    return list(record_ids[:middle]), list(record_ids[middle:])
