"""Every event of the suite, declared once; the AsyncAPI document is generated from here.

Events hold random ids, codes, dates and amounts (in øre), never a patron together with an item or a work. Consumers may get
them in any order and any number of times: snapshots have a `version` that increases per patron, clocks one per record.
"""

from glem_contracts.events.debts import (
    DebtErased,
    DebtEvent,
    DebtPaid,
    DebtRaised,
    DebtReversed,
    DebtSettled,
    DebtWaived,
)
from glem_contracts.events.envelope import EventData
from glem_contracts.events.loans import (
    HomeboundListChanged,
    LendingDataKept,
    LoanClockMoved,
    LoanClosedAsLost,
    LoanDueSoon,
    LoanErased,
    LoanOpened,
    LoanOverdue,
    LoanRenewed,
    LoanReturned,
    ReservationCancelled,
    ReservationChanged,
    ReservationExpired,
    ReservationFulfilled,
    ReservationPlaced,
    ReservationReady,
    ReturnUndone,
    ViewingsErased,
)
from glem_contracts.events.messages import MessageBodyErased, MessageFailed, MessageSent, MessageSuppressed
from glem_contracts.events.patrons import (
    ConsentGiven,
    ConsentWithdrawn,
    ContactChanged,
    NoteWritten,
    PatronBlocked,
    PatronChanged,
    PatronDataErased,
    PatronDataKept,
    PatronErased,
    PatronRegistered,
    PatronSnapshot,
    PatronUnblocked,
)
from glem_contracts.events.retention import (
    BreakerClosed,
    BreakerOpened,
    DeadLettered,
    LegalHoldErased,
    LegalHoldExtended,
    LegalHoldPlaced,
    LegalHoldReleased,
    PolicyAdopted,
    RetentionDataErased,
    RetentionDataKept,
    SweepFinished,
)
from glem_contracts.events.topics import (
    DEAD_LETTERS,
    DEBTS,
    HOMEBOUND_HISTORY,
    LOANS,
    MESSAGES,
    PATRONS,
    RESERVATIONS,
    RETENTION,
    TOPICS,
)


def declared() -> dict[str, type[EventData]]:
    """Return every event class by its type name, the abstract ones (snapshot, debt) left out."""
    found: dict[str, type[EventData]] = {}
    pending: list[type[EventData]] = [EventData]
    while pending:
        for subclass in pending.pop().__subclasses__():
            pending.append(subclass)
            if subclass.__module__.startswith(__name__) and subclass not in {PatronSnapshot, DebtEvent}:
                found[subclass.__name__] = subclass
    return dict(sorted(found.items()))


EVENT_TYPES = declared()

__all__ = [
    "DEAD_LETTERS",
    "DEBTS",
    "EVENT_TYPES",
    "HOMEBOUND_HISTORY",
    "LOANS",
    "MESSAGES",
    "PATRONS",
    "RESERVATIONS",
    "RETENTION",
    "TOPICS",
    "BreakerClosed",
    "BreakerOpened",
    "ConsentGiven",
    "ConsentWithdrawn",
    "ContactChanged",
    "DeadLettered",
    "DebtErased",
    "DebtEvent",
    "DebtPaid",
    "DebtRaised",
    "DebtReversed",
    "DebtSettled",
    "DebtWaived",
    "HomeboundListChanged",
    "LegalHoldErased",
    "LegalHoldExtended",
    "LegalHoldPlaced",
    "LegalHoldReleased",
    "LendingDataKept",
    "LoanClockMoved",
    "LoanClosedAsLost",
    "LoanDueSoon",
    "LoanErased",
    "LoanOpened",
    "LoanOverdue",
    "LoanRenewed",
    "LoanReturned",
    "MessageBodyErased",
    "MessageFailed",
    "MessageSent",
    "MessageSuppressed",
    "NoteWritten",
    "PatronBlocked",
    "PatronChanged",
    "PatronDataErased",
    "PatronDataKept",
    "PatronErased",
    "PatronRegistered",
    "PatronSnapshot",
    "PatronUnblocked",
    "PolicyAdopted",
    "ReservationCancelled",
    "ReservationChanged",
    "ReservationExpired",
    "ReservationFulfilled",
    "ReservationPlaced",
    "ReservationReady",
    "RetentionDataErased",
    "RetentionDataKept",
    "ReturnUndone",
    "SweepFinished",
    "ViewingsErased",
    "declared",
]
