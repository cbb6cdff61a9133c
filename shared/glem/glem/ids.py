"""Random ids: numbers without meaning, small enough for JavaScript."""

import secrets

from glem_contracts.ids import LARGEST_ID


def new_id() -> int:
    """Return a random positive integer below 2^53; never sequential, derived or reused (R3)."""
    return secrets.randbelow(LARGEST_ID) + 1
