"""Every event of the suite, declared once; the AsyncAPI document is generated from here.

Events hold random ids, codes, dates and amounts (in øre), never a patron together with an item or a work. Consumers take
them in any order and any number of times: snapshots carry a `version` that counts up per patron, clocks one per record.
"""

from datetime import date

from pydantic import AwareDatetime, Field

from glem.envelope import EventData

PATRONS, LOANS, RESERVATIONS = "glem.patrons", "glem.loans", "glem.reservations"
DEBTS, MESSAGES, RETENTION = "glem.debts", "glem.messages", "glem.retention"
DEAD_LETTERS = "glem.dead-letters"
HOMEBOUND_HISTORY = "homebound-history"
"""The purpose of the consent by which a homebound patron's works are remembered (R43, R44)."""
TOPICS = (PATRONS, LOANS, RESERVATIONS, DEBTS, MESSAGES, RETENTION, DEAD_LETTERS)


class PatronSnapshot(EventData):
    """What lending needs to know of a patron; no name, no birth date. A higher version replaces a lower one."""

    topic = PATRONS

    patron_id: int
    version: int
    patron_group: str
    age_band: int = Field(description="The highest age limit of the agency that the patron has reached; 0 below all.")
    home_branch: str
    blocks: list[str] = Field(description="FBS block codes, gravest first.")
    absent_from: date | None
    absent_until: date | None


class PatronRegistered(PatronSnapshot):
    """A patron was registered."""


class PatronChanged(PatronSnapshot):
    """Something that lending needs to know has changed (group, home branch, absence, age band)."""


class PatronBlocked(PatronSnapshot):
    """A block was set."""


class PatronUnblocked(PatronSnapshot):
    """A block was lifted."""


class ContactChanged(EventData):
    """Contact data changed; the old values went in the same transaction (R8-R11)."""

    topic = PATRONS

    patron_id: int


class ConsentGiven(EventData):
    """A patron gave consent for a purpose. A higher `version` (per patron) replaces a lower one; 0 where nobody follows it."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class ConsentWithdrawn(EventData):
    """A consent ended; what rested on it stops at once. `version` as in ConsentGiven."""

    topic = PATRONS

    patron_id: int
    purpose: str
    version: int = 0


class NoteWritten(EventData):
    """A note was written, replaced or taken away (R22, R23); says nothing else than the clocks."""

    topic = PATRONS

    patron_id: int


class PatronErased(EventData):
    """A patron is gone, with all that was kept of them (R32); later events about them change nothing."""

    topic = PATRONS

    patron_id: int


class PatronDataErased(EventData):
    """Notes, absences or lifted blocks that fell due are gone."""

    topic = PATRONS


class LoanOpened(EventData):
    """An item was checked out."""

    topic = LOANS

    patron_id: int
    branch: str
    due_on: date
    receipt: bool = False


class LoanRenewed(EventData):
    """A loan was given a later due date."""

    topic = LOANS

    patron_id: int
    due_on: date
    renewals: int


class LoanDueSoon(EventData):
    """Loans of one patron fall due on one day soon; recorded once per loan and due date."""

    topic = LOANS

    patron_id: int
    loan_ids: list[int]
    due_on: date


class LoanOverdue(EventData):
    """Loans of one patron have passed one due date; `reminder` counts 1, 2, … by the agency's list of days."""

    topic = LOANS

    patron_id: int
    loan_ids: list[int]
    due_on: date
    reminder: int


class LoanReturned(EventData):
    """An item came back."""

    topic = LOANS

    patron_id: int
    branch: str
    returned_at: AwareDatetime
    late: bool
    receipt: bool = False


class ReturnUndone(EventData):
    """A return was a mistake; the loan is open again."""

    topic = LOANS

    patron_id: int


class LoanClosedAsLost(EventData):
    """An item was given up as lost or damaged; the loan is closed."""

    topic = LOANS

    patron_id: int
    cause: str


class LoanClockMoved(EventData):
    """A debt held, or no longer holds, loans; says nothing else than their clocks."""

    topic = LOANS


class LoanErased(EventData):
    """Loans that fell due are gone."""

    topic = LOANS


class HomeboundListChanged(EventData):
    """Works entered, or left, lists of homebound patrons (R43); says nothing else than clocks and erasures."""

    topic = LOANS


class ViewingsErased(EventData):
    """Old lines of the log of what staff looks at are gone (R84)."""

    topic = LOANS


class ReservationPlaced(EventData):
    """A patron joined a work's queue."""

    topic = RESERVATIONS

    patron_id: int
    pickup_branch: str


class ReservationReady(EventData):
    """An item waits on the pick-up shelf."""

    topic = RESERVATIONS

    patron_id: int
    pickup_branch: str
    pickup_deadline: date
    pickup_number: int


class ReservationChanged(EventData):
    """Pick-up branch or interest period changed, or a ready one went back into the queue."""

    topic = RESERVATIONS

    patron_id: int


class ReservationFulfilled(EventData):
    """The reserved item was lent; the reservation is gone (R46)."""

    topic = RESERVATIONS

    patron_id: int


class ReservationCancelled(EventData):
    """A reservation was cancelled and is gone (R47)."""

    topic = RESERVATIONS

    patron_id: int


class ReservationExpired(EventData):
    """The interest period or the pick-up deadline passed; the reservation is gone (R46)."""

    topic = RESERVATIONS

    patron_id: int
    not_picked_up: bool


class DebtEvent(EventData):
    """A debt and where the patron now stands; `balance_version` counts up per patron. Amounts are in øre."""

    topic = DEBTS

    patron_id: int
    kind: str = Field(description="fee or compensation")
    amount: int
    balance: int
    patron_balance: int
    balance_version: int
    over_limit: bool = Field(description="The patron owes the agency's debt limit or more (block E).")


class DebtRaised(DebtEvent):
    """A debt was raised."""


class DebtPaid(DebtEvent):
    """A debt was paid, whole or in part."""

    paid: int


class DebtWaived(DebtEvent):
    """A part of a debt was waived; when nothing is left, DebtSettled says so instead."""

    waived: int


class DebtSettled(DebtEvent):
    """Nothing is left of a debt."""

    how: str = Field(description="paid or waived")


class DebtReversed(DebtEvent):
    """A payment was taken back (chargeback); the debt is open again."""


class DebtErased(EventData):
    """Debts that fell due are gone, or their material is (R52, R53)."""

    topic = DEBTS


class MessageSent(EventData):
    """A message was handed over to the mail server or SMS gateway."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str


class MessageFailed(EventData):
    """A message was given up."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str
    reason: str


class MessageSuppressed(EventData):
    """A message was not sent, and rightly so: not permitted, or no longer true."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str = Field(description="email, sms, or none where no channel was permitted.")
    reason: str


class MessageBodyErased(EventData):
    """Bodies of messages are gone; their overview stays (R58, R59)."""

    topic = MESSAGES


class SweepFinished(EventData):
    """What one sweep did to one agency's records of one class."""

    topic = RETENTION

    record_class: str
    done: int
    gone: int
    refused: int
    oldest_anchor: AwareDatetime


class LegalHoldPlaced(EventData):
    """A legal hold keeps records from being erased until it ends; its subject is the hold."""

    topic = RETENTION

    kind: str = Field(description="police, claim, patron-request or other.")
    ends_at: AwareDatetime
    records: int


class LegalHoldExtended(EventData):
    """A legal hold was given another end."""

    topic = RETENTION

    kind: str
    ends_at: AwareDatetime


class LegalHoldReleased(EventData):
    """A legal hold was ended before its time; what is past its period goes at once."""

    topic = RETENTION

    kind: str


class LegalHoldErased(EventData):
    """Legal holds that were over for a year are gone, with their authors and reasons."""

    topic = RETENTION


class PolicyAdopted(EventData):
    """A version of a retention policy was adopted; told again now and then, for services that were away."""

    topic = RETENTION

    record_class: str
    version: int
    period_seconds: int
    action: str
    effective: AwareDatetime


class BreakerOpened(EventData):
    """Far more records fall due on one day than usual: they wait, out of sight, until a second look; all others go on."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int
    allowed: int


class BreakerClosed(EventData):
    """Somebody has looked at the records that a breaker kept, and lets them go."""

    topic = RETENTION

    record_class: str
    due_day: date
    records: int


class DeadLettered(EventData):
    """An event that a consumer could not handle."""

    topic = DEAD_LETTERS

    group: str
    origin: str = Field(description="The topic that it came from.")
    reason: str = Field(description="The kind of failure; never a text out of the event.")
    payload: str = Field(description="The event as received (its first 500,000 bytes), base64.")


def declared() -> dict[str, type[EventData]]:
    """Return every event class by its type name, the abstract ones (snapshot, debt) left out."""
    found: dict[str, type[EventData]] = {}
    pending: list[type[EventData]] = [EventData]
    while pending:
        for subclass in pending.pop().__subclasses__():
            pending.append(subclass)
            if subclass.__module__ == __name__ and subclass not in {PatronSnapshot, DebtEvent}:
                found[subclass.__name__] = subclass
    return dict(sorted(found.items()))


EVENT_TYPES = declared()
