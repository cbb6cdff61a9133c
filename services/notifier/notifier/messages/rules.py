"""Which event leads to which message, and what of a message may be seen."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from glem.problems import ProblemType
from glem_contracts.events import (
    HOMEBOUND_HISTORY,
    ConsentWithdrawn,
    DebtRaised,
    LoanDueSoon,
    LoanOpened,
    LoanOverdue,
    LoanReturned,
    ReservationReady,
)
from glem_contracts.events.envelope import Event
from notifier.agency import Kind

REMEMBERED = timedelta(days=30)

LOAN, RESERVATION, DEBT = "loan", "reservation", "debt"
SPOKEN_OF = frozenset({LOAN, RESERVATION, DEBT})
NO_SUCH_MESSAGE = ProblemType(
    "no-such-message", 404, "Meddelelsen findes ikke, eller er glemt.", "There is no such message, or it is forgotten."
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What an event asks to be told: to whom, of which kind, and about which records (class, id), if it is about any."""

    patron_id: int
    kind: Kind
    subjects: tuple[tuple[str, int], ...]
    due_on: date | None = None
    reminder: int | None = None


def notice_of(event: Event, kinds: Collection[str]) -> Notice | None:
    """Return the notice that `event` leads to at an agency that sends `kinds`, or None."""
    notice = _notice_of(event)
    return notice if notice is not None and notice.kind in kinds else None


def _notice_of(event: Event) -> Notice | None:
    notice: Notice | None = None
    match event.data:
        case LoanOpened(receipt=True, patron_id=patron_id) | LoanReturned(receipt=True, patron_id=patron_id):
            notice = Notice(patron_id, "receipt", ((LOAN, int(event.subject)),))
        case ReservationReady(patron_id=patron_id):
            notice = Notice(patron_id, "reservation-ready", ((RESERVATION, int(event.subject)),))
        case LoanDueSoon(patron_id=patron_id, loan_ids=loans, due_on=due_on):
            notice = Notice(patron_id, "due-soon", tuple((LOAN, loan) for loan in sorted(set(loans))), due_on)
        case LoanOverdue(patron_id=patron_id, loan_ids=loans, due_on=due_on, reminder=reminder):
            notice = Notice(patron_id, "overdue", tuple((LOAN, loan) for loan in sorted(set(loans))), due_on, reminder)
        case ConsentWithdrawn(patron_id=patron_id, purpose=purpose) if purpose == HOMEBOUND_HISTORY:
            notice = Notice(patron_id, "consent-ended", ())
        case DebtRaised(patron_id=patron_id, kind="compensation"):
            notice = Notice(patron_id, "debt-statement", ((DEBT, int(event.subject)),))
    return notice


def is_stale(event_time: datetime, now: datetime) -> bool:
    """Say whether an event is too old to be told of: we remember what we handled for as long, and not longer (H7)."""
    return event_time <= now - REMEMBERED


def erased_by(event: Event) -> set[tuple[str, int]]:
    """Return the records (class, id) that are gone, wholly or in their material, with `event` (H91, R46, R47)."""
    found = {
        (erasure.record_class, record_id)
        for erasure in event.data.erased
        if erasure.record_class in SPOKEN_OF
        for record_id in erasure.record_ids
    }
    if event.type in {"ReservationCancelled", "ReservationExpired", "ReservationFulfilled"}:
        found.add((RESERVATION, int(event.subject)))
    return found


def shown(line: dict[str, Any], text: tuple[str, str] | None) -> dict[str, Any]:
    """Return a line of the overview with its `text` (subject and body), which is None when it is gone or hidden."""
    subject, body = text or (None, None)
    return line | {"subject": subject, "body": body}
