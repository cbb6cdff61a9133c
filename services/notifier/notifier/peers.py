"""What notifier asks its peers when it needs it: patron-api for addresses, loan-api for titles. Nothing of it is kept."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, TypeAdapter

from glem.clients import Clients

LARGEST_QUESTION = 500
T = TypeVar("T")


class Contact(BaseModel):
    """How a patron may be reached. An address is null when there is none, or no permission to use it (R9, R11, R12)."""

    patron_id: int
    agency: str
    language: str
    name: str | None
    protected: bool
    email: str | None
    sms: str | None
    patron_note: str | None = None
    deceased: bool


class LoanTitle(BaseModel):
    """A loan that is still there."""

    loan_id: int
    patron_id: int
    title: str
    creator: str | None = None
    due_on: date
    returned_at: AwareDatetime | None


class ReservationTitle(BaseModel):
    """A reservation that is still there; it waits on the shelf when it has a deadline."""

    reservation_id: int
    patron_id: int
    title: str
    creator: str | None = None
    pickup_branch: str
    pickup_deadline: date | None
    pickup_number: int | None


class DebtTitle(BaseModel):
    """A debt that is still there; amounts in øre."""

    debt_id: int
    patron_id: int
    kind: str
    cause: str | None = None
    amount: int
    balance: int
    raised_at: datetime | date | None = None
    titles: list[str]


class Titles(BaseModel):
    """The records asked for, as far as they are still there."""

    loans: list[LoanTitle] = []
    reservations: list[ReservationTitle] = []
    debts: list[DebtTitle] = []


_CONTACTS = TypeAdapter(list[Contact])


class PeerError(Exception):
    """A peer could not be asked, or gave an answer that is none; the text names it, and nothing of the answer."""


async def resolve_contacts(clients: Clients, patron_ids: Collection[int]) -> dict[int, Contact]:
    """Return the contact of each patron that is known; raises PeerError."""
    found: dict[int, Contact] = {}
    for part in _parts(sorted(patron_ids)):
        answer = await _ask(clients, "patron-api", "/contacts/resolve", {"patron_ids": part})
        try:
            found.update((contact.patron_id, contact) for contact in _CONTACTS.validate_json(answer))
        except ValueError:
            # The cause is left out: it would hold names and addresses.
            raise PeerError("patron-api: not a list of contacts") from None
    return found


async def resolve_titles(clients: Clients, records: Collection[tuple[str, int]]) -> dict[tuple[str, int], BaseModel]:
    """Return the loan, reservation or debt behind each of `records` (class, id) that is still there; raises PeerError."""
    found: dict[tuple[str, int], BaseModel] = {}
    for part in _parts(sorted(records)):
        question = {
            f"{record_class}_ids": [id_ for class_, id_ in part if class_ == record_class]
            for record_class in ("loan", "reservation", "debt")
        }
        answer = await _ask(clients, "loan-api", "/titles/resolve", question)
        try:
            titles = Titles.model_validate_json(answer)
        except ValueError:
            raise PeerError("loan-api: not a list of titles") from None
        found.update((("loan", loan.loan_id), loan) for loan in titles.loans)
        found.update((("reservation", reservation.reservation_id), reservation) for reservation in titles.reservations)
        found.update((("debt", debt.debt_id), debt) for debt in titles.debts)
    return found


async def _ask(clients: Clients, peer: str, path: str, question: object) -> bytes:
    try:
        answer = await clients[peer].post(path, json=question)
    except httpx.HTTPError as error:
        raise PeerError(f"{peer}: {type(error).__name__}") from error
    if answer.status_code != httpx.codes.OK:
        raise PeerError(f"{peer}: {answer.status_code}")
    return answer.content


def _parts(values: Sequence[T]) -> Iterator[list[T]]:
    remaining: Iterable[T] = iter(values)
    while part := list(islice(remaining, LARGEST_QUESTION)):
        yield part
