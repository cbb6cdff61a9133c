"""The plan: who comes when, for which works, and what becomes of each loan. Drawn from the seed alone, before anything runs."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.proving.demo.calendar import Step
from tests.proving.demo.houses import Library
from tests.proving.demo.people import Person

ITEMS_PER_VISIT = (1, 1, 2, 2, 3, 3, 4, 5, 7)
SPREAD, STEEPNESS = 12.0, 0.85
CHOICES = 4


@dataclass(frozen=True)
class Fate:
    """What becomes of a loan. `back_after` is a part of the loan period: above 1 it comes late; None, it never comes back.

    `renewals` are tried shortly before the due date. `given_up`: lost or damaged, after so many parts of the period;
    `found_days` later it turns up. `undone`: the return was scanned by mistake. `book_drop`: told by its date alone, a day later.
    """

    back_after: float | None
    renewals: int = 0
    given_up: str | None = None
    found_days: float | None = None
    undone: bool = False
    book_drop: bool = False
    receipt: bool = False


@dataclass(frozen=True)
class Wish:
    """One item that a patron wants: works by their places in the order of popularity, best first."""

    places: tuple[int, ...]
    fate: Fate
    reserves: bool
    receipt: bool


@dataclass(frozen=True)
class Visit:
    """A patron at an automat, with what they want to borrow."""

    step: int
    library: int
    person: int
    wishes: tuple[Wish, ...]


def popularity(works: int) -> list[float]:
    """Return cumulated weights of works by place: much for the first, a long tail (Zipf)."""
    return list(accumulate((place + SPREAD) ** -STEEPNESS for place in range(works)))


def copies(place: int, share: float) -> int:
    """Return how many copies of the work at `place` a library with this share of the loans buys."""
    wanted: float = 32 * share * (1 + place / 12) ** -0.55
    return max(1, round(wanted))


def make_visits(
    libraries: Sequence[Library],
    people: Sequence[Sequence[Person]],
    works: int,
    steps: Sequence[Step],
    loans: int,
    seed: int,
) -> list[Visit]:
    """Return the visits of all libraries in order of time; together they want `loans` items."""
    weights = popularity(works)
    visits = []
    for number, library in enumerate(libraries):
        chance = random.Random(f"{seed}/visits/{library.isil}")
        busy = [step.number for step in steps if step.open]
        regulars = list(accumulate(person.visits for person in people[number]))
        wanted = round(loans * library.share)
        while wanted > 0:
            size = min(wanted, chance.choice(ITEMS_PER_VISIT))
            wanted -= size
            person = chance.choices(range(len(regulars)), cum_weights=regulars)[0]
            together = _fate(chance)
            wishes = tuple(_wish(chance, weights, works, together) for _ in range(size))
            visits.append(Visit(chance.choice(busy), number, person, wishes))
    return sorted(visits, key=lambda visit: (visit.step, visit.library, visit.person))


def _wish(chance: random.Random, weights: Sequence[float], works: int, together: Fate) -> Wish:
    places = tuple(dict.fromkeys(chance.choices(range(works), cum_weights=weights, k=CHOICES)))
    fate = together if chance.random() < 0.8 else _fate(chance)
    if chance.random() < 0.025:
        given_up = "lost" if chance.random() < 0.7 else "damaged"
        turns_up = given_up == "lost" and chance.random() < 0.4
        fate = Fate(None, given_up=given_up, found_days=chance.uniform(3, 40) if turns_up else None)
    elif chance.random() < 0.012:
        fate = Fate(fate.back_after, fate.renewals, undone=True, receipt=fate.receipt)
    return Wish(places, fate, reserves=chance.random() < 0.5, receipt=chance.random() < 0.16)


def _fate(chance: random.Random) -> Fate:
    kind = chance.random()
    receipt, book_drop = chance.random() < 0.12, chance.random() < 0.06
    if kind < 0.62:
        return Fate(chance.triangular(0.1, 0.98, 0.7), receipt=receipt, book_drop=book_drop)
    if kind < 0.80:
        return Fate(chance.uniform(0.4, 0.95), renewals=chance.choice((1, 1, 2, 3)), receipt=receipt)
    if kind < 0.93:
        return Fate(1 + chance.uniform(0.03, 0.5), receipt=receipt, book_drop=book_drop)
    if kind < 0.985:
        return Fate(1 + chance.uniform(0.5, 1.9))
    return Fate(None)
