"""What is a viewing, and when there are suspiciously many."""

from datetime import timedelta
from typing import Literal

from glem.identity import Principal

Reason = Literal["desk", "dispute", "debt", "request", "unstated"]
STAFF = frozenset({"librarian", "administrator"})
WINDOW = timedelta(hours=1)


def is_viewing(principal: Principal) -> bool:
    """Say whether the bearer looks at somebody else's loans as staff; patrons and guardians look at what is theirs."""
    return principal.role in STAFF


def is_too_often(patrons: int, limit: int) -> bool:
    """Say whether one member of staff has looked at the ended loans of too many patrons within WINDOW."""
    return patrons > limit
