"""Which blocks there are, who sets them, and what an event about debts does to block E."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from glem.problems import ProblemType, Refusal
from glem_contracts.events import DebtEvent
from patron_api import free_text

BLOCK_EXISTS = ProblemType(
    "already-blocked",
    409,
    "Låneren er allerede blokeret af den grund.",
    "The patron is already blocked for that reason.",
)
NOT_BLOCKED = ProblemType(
    "not-blocked", 404, "Låneren er ikke blokeret af den grund.", "The patron is not blocked for that reason."
)
FOLLOWS_DEBT = ProblemType(
    "block-follows-debt",
    409,
    "Blokering E følger af det, låneren skylder, og ophæves, når det er betalt.",
    "Block E follows from what the patron owes, and lifts itself when that is paid.",
)
REASON_NAMES_WORK = ProblemType(
    "reason-names-work",
    422,
    "Begrundelsen må ikke nævne materialer eller personnumre.",
    "The reason must not name materials or personal numbers.",
)

Code = Literal["D", "O", "F", "U", "S", "E", "W"]
DEBT: Code = "E"
STOLEN: Code = "O"
DECEASED: Code = "D"


def by_staff(code: Code, reason: str | None) -> Refusal | None:
    """Refuse block E, which follows from debts (R57), and a reason that names a work or a number (R15)."""
    if code == DEBT:
        return FOLLOWS_DEBT()
    if reason is not None and (free_text.names_a_work(reason) or free_text.names_a_person(reason)):
        return REASON_NAMES_WORK()
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a patron stands with the agency, as the newest event says."""

    patron_id: int
    agency: str
    version: int
    owes: bool
    over_limit: bool


def newest(events: Iterable[tuple[str, DebtEvent]]) -> Sequence[Standing]:
    """Return the newest standing of each patron in a batch, by patron id, so that rows are locked in one order."""
    latest: dict[int, tuple[str, DebtEvent]] = {}
    for agency, event in events:
        known = latest.get(event.patron_id)
        if known is None or known[1].balance_version < event.balance_version:
            latest[event.patron_id] = (agency, event)
    return [
        Standing(patron_id, agency, event.balance_version, event.patron_balance > 0, event.over_limit)
        for patron_id, (agency, event) in sorted(latest.items())
    ]
