"""What notifier asks its peers when it needs it: patron-api for addresses, loan-api for titles. Nothing of it is kept."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel

from glem.clients import Clients
from glem_contracts.contacts import LARGEST_QUESTION, RESOLVE_CONTACTS, ContactsWanted, ReachablePatron
from glem_contracts.ids import LARGEST_ID
from glem_contracts.titles import RESOLVE_TITLES, TitlesWanted

T = TypeVar("T")


async def resolve_contacts(clients: Clients, patron_ids: Collection[int]) -> dict[int, ReachablePatron]:
    """Return how to reach each patron that is known, by patron id; raises PeerError."""
    found: dict[int, ReachablePatron] = {}
    for part in _parts(sorted(filter(_is_given, patron_ids))):
        patrons = await clients.call("patron-api", RESOLVE_CONTACTS, ContactsWanted(patron_ids=part))
        found.update((patron.patron_id, patron) for patron in patrons)
    return found


async def resolve_titles(clients: Clients, records: Collection[tuple[str, int]]) -> dict[tuple[str, int], BaseModel]:
    """Return the loan, reservation or debt behind each of `records` (class, id) that is still there; raises PeerError."""
    found: dict[tuple[str, int], BaseModel] = {}
    for part in _parts(sorted(record for record in records if _is_given(record[1]))):
        wanted = TitlesWanted(
            loan_ids=[id_ for record_class, id_ in part if record_class == "loan"],
            reservation_ids=[id_ for record_class, id_ in part if record_class == "reservation"],
            debt_ids=[id_ for record_class, id_ in part if record_class == "debt"],
        )
        titles = await clients.call("loan-api", RESOLVE_TITLES, wanted)
        found.update((("loan", loan.loan_id), loan) for loan in titles.loans)
        found.update((("reservation", reservation.reservation_id), reservation) for reservation in titles.reservations)
        found.update((("debt", debt.debt_id), debt) for debt in titles.debts)
    return found


def _is_given(id_: int) -> bool:
    """Say whether a service may have given out such an id; any other comes from a forged event, and nobody knows it."""
    return 1 <= id_ <= LARGEST_ID


def _parts(values: Sequence[T]) -> Iterator[list[T]]:
    remaining: Iterable[T] = iter(values)
    while part := list(islice(remaining, LARGEST_QUESTION)):
        yield part
