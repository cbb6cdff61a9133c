"""Whom a message reaches, by which channel, in which language; what of it is still true; and when to try again."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel

from glem.logs import CPR
from glem_contracts.contacts import ReachablePatron
from glem_contracts.titles import DebtTitle, LoanTitle, ReservationTitle
from notifier.agency import Channel, Language, MessageRules

LARGEST_TRIES = 5
OUTAGE_WAITS = (1.0, 300.0)
GIVEN_UP_AFTER = timedelta(days=3)
BOTH_CHANNELS = frozenset({"reservation-ready"})
ABOUT_NO_RECORD = frozenset({"consent-ended"})

Record = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Job:
    """A message in hand. `channel` is null until it was first on its way; `subjects` are the records it speaks of."""

    message_id: int
    agency: str
    patron_id: int
    kind: str
    channel: Channel | None
    attempts: int
    created_at: datetime
    occasion: str
    due_on: date | None
    reminder: int | None
    outages: int
    subjects: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One channel and the address on it."""

    channel: Channel
    value: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A message that is not sent: `suppressed` by right, `failed` by fault, or `unknown` when its patron is no more."""

    state: Literal["suppressed", "failed", "unknown"]
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a hand-over: `sent`; `retry` uses up a try; `outage` does not, for the message is not at fault."""

    result: Literal["sent", "retry", "outage", "failed"]
    reason: str = ""


def addresses(job: Job, contact: ReachablePatron | None) -> tuple[Address, ...] | Withheld:
    """Return where a message goes: both channels when what is told is urgent, else e-mail before SMS (R9, R11, R12)."""
    if contact is None:
        return Withheld("unknown", "unknown-patron")
    if contact.agency != job.agency:
        return Withheld("suppressed", "other-agency")
    if contact.deceased:
        return Withheld("suppressed", "deceased")
    known: tuple[tuple[Channel, str | None], ...] = (("email", contact.email), ("sms", contact.sms))
    permitted = [Address(channel, value) for channel, value in known if value and job.channel in {None, channel}]
    if not permitted:
        return Withheld("suppressed", "no-permitted-address")
    return tuple(permitted if job.kind in BOTH_CHANNELS else permitted[:1])


def language(contact: ReachablePatron, agency: MessageRules) -> Language:
    """Return the patron's language where the agency writes it, else the agency's own (R19)."""
    return next((allowed for allowed in agency.languages if allowed == contact.language), agency.default_language)


def still_true(job: Job, titles: Mapping[Record, BaseModel]) -> dict[Record, BaseModel]:
    """Return what of a message's subjects may still be spoken of: neither gone, nor another's, nor settled meanwhile."""
    return {
        record: found for record in job.subjects if (found := titles.get(record)) is not None and _is_true(job, found)
    }


def _is_true(job: Job, found: BaseModel) -> bool:
    match found:
        case LoanTitle():
            is_true = job.kind == "receipt" or (found.returned_at is None and found.due_on == job.due_on)
        case ReservationTitle():
            is_true = found.pickup_deadline is not None
        case DebtTitle():
            is_true = found.balance > 0
        case _:
            return False
    return is_true and found.patron_id == job.patron_id


def titles_are_left_out(contact: ReachablePatron, agency: MessageRules) -> bool:
    """Say whether a message to this patron names no titles (R25)."""
    return contact.protected and agency.title_free_for_protected


def note(job: Job, contact: ReachablePatron, agency: MessageRules) -> str | None:
    """Return the note to the patron where it is printed on the debt statement (R23)."""
    return contact.patron_note if job.kind == "debt-statement" and agency.patron_note_surface == "statement" else None


_SPACED = re.compile(r"(?<!\d)(\d{6})[\s\u2010-\u2015\u2212]{1,3}(\d{4})(?!\d)")


def holds_cpr(text: str) -> bool:
    """Say whether `text` holds anything that looks like a CPR number, however its halves are set apart (R73)."""
    return CPR.search(_SPACED.sub(r"\1-\2", text)) is not None


def after(job: Job, outcome: Outcome, now: datetime) -> Outcome:
    """Return what a hand-over means for its message: too many tries, or too long an outage, end in failure."""
    if outcome.result == "retry" and job.attempts >= LARGEST_TRIES:
        return Outcome("failed", outcome.reason)
    if outcome.result in {"retry", "outage"} and now - job.created_at > GIVEN_UP_AFTER:
        return Outcome("failed", outcome.reason)
    return outcome


def wait_seconds(failures: int, first: float, longest: float = float("inf")) -> float:
    """Return the wait after the `failures`-th failure in a row: doubling from `first`, with a fifth of jitter either way."""
    jitter = random.uniform(0.8, 1.2)  # noqa: S311  spreads the load; no secret
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), 16)) * jitter


def due_on_of(records: Sequence[BaseModel]) -> date | None:
    """Return the due date of the first loan among `records`."""
    return next((record.due_on for record in records if isinstance(record, LoanTitle)), None)
