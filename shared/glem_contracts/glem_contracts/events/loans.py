"""Events of loan-api about loans and reservations."""

from datetime import date

from pydantic import AwareDatetime

from glem_contracts.events.envelope import EventData
from glem_contracts.events.topics import LOANS, RESERVATIONS


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
    """An item was returned."""

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
    """An item was declared lost or damaged; the loan is closed."""

    topic = LOANS

    patron_id: int
    cause: str


class LoanClockMoved(EventData):
    """A debt began or ceased to hold loans; the event holds their clocks only."""

    topic = LOANS


class LoanErased(EventData):
    """Loans that fell due were erased."""

    topic = LOANS


class HomeboundListChanged(EventData):
    """Works were added to or erased from lists of homebound patrons (R43); the event holds clocks and erasures only."""

    topic = LOANS


class LendingDataKept(EventData):
    """Viewings were logged; says nothing else than their clocks."""

    topic = LOANS


class ViewingsErased(EventData):
    """Old lines of the log of viewings were erased (R84)."""

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
    """Pick-up branch or interest period changed, or a ready reservation went back into the queue."""

    topic = RESERVATIONS

    patron_id: int


class ReservationFulfilled(EventData):
    """The reserved item was lent; the reservation is erased (R46)."""

    topic = RESERVATIONS

    patron_id: int


class ReservationCancelled(EventData):
    """A reservation was cancelled and erased (R47)."""

    topic = RESERVATIONS

    patron_id: int


class ReservationExpired(EventData):
    """The interest period or the pick-up deadline passed; the reservation is erased (R46)."""

    topic = RESERVATIONS

    patron_id: int
    not_picked_up: bool
