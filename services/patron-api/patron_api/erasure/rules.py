"""How a wish to be erased goes on, and why it may not be taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from glem.problems import ProblemType

State = Literal["asked", "waiting", "refused", "erasing", "done"]

PATRON_ERASED = ProblemType(
    "patron-erased",
    410,
    "Låneren er slettet; der er ikke gemt noget. En kvittering kan efterprøves i registret.",
    "The patron is erased and nothing is kept. A receipt can be checked against the register.",
)
NO_REQUEST = ProblemType("no-erasure-request", 404, "Der er ikke bedt om sletning.", "Nobody has asked for an erasure.")
UNDER_WAY = ProblemType(
    "erasure-under-way",
    409,
    "Sletningen er i gang og kan ikke fortrydes.",
    "The erasure has begun and cannot be taken back.",
)

LEASE = timedelta(seconds=60)
"""How long one process has a request in hand; longer than a call may take."""
AGAIN = timedelta(seconds=5)
"""How soon a peer that was away is asked again."""
WATCH = timedelta(seconds=1)
"""How soon it is asked again what remains."""
SAFETY_NET = timedelta(minutes=10)
"""How often a waiting request is tried though no event said that something has cleared."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its row has it."""

    request_id: int
    agency: str
    patron_id: int | None
    when_clear: bool
    state: State
    clock_version: int
    lending_done: bool
    messages_done: bool
    asked_at: datetime
    erased_at: datetime | None
    done_at: datetime | None


def progress(request: Request) -> dict[str, str]:
    """Say of each service how far it is."""
    if request.state != "erasing":
        return dict.fromkeys(("patron-api", "loan-api", "notifier"), request.state)
    return {
        "patron-api": "done",
        "loan-api": "done" if request.lending_done else "erasing",
        "notifier": "done" if request.messages_done else "erasing",
    }
