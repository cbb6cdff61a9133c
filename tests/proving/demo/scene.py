"""What all parts of the demo share: the libraries as they are now, the clock, and the agenda of what is still to come."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum

from tests.proving.demo.accounts import Staff, password_login
from tests.proving.demo.calendar import Step, next_open
from tests.proving.demo.catalogue import Item, Work
from tests.proving.demo.history import History
from tests.proving.demo.houses import Library
from tests.proving.demo.people import Person
from tests.proving.demo.suite_client import Login, SuiteClient
from tests.proving.oracle.looking import Looker


class Phase(IntEnum):
    """The order in which things happen at one instant."""

    RETURNS = 0
    CORRECTIONS = 1
    MONEY = 2
    CHORES = 3
    RENEWALS = 4
    PICK_UPS = 5
    QUEUES = 6
    VISITS = 7


Deed = Callable[[], Awaitable[None]]
Actor = tuple[int, int]


@dataclass
class Waiting:
    """A reservation as the demo knows it. `item` is the barcode that waits on the shelf, once it is ready."""

    name: str
    reservation_id: int
    person: int
    work_id: str
    chance: random.Random
    item: str | None = None
    ready: bool = False
    deadline: date | None = None

    def is_left(self, today: date) -> bool:
        """Say whether it was ready and not fetched in time: then the suite has ended it."""
        return self.ready and self.deadline is not None and today > self.deadline


@dataclass
class Tally:
    """What was done at one library."""

    loans: int = 0
    returns: int = 0
    raised: int = 0
    raised_amount: int = 0
    paid: int = 0
    waived: int = 0
    reservations: int = 0
    fulfilled: int = 0
    cancelled: int = 0


@dataclass
class Town:
    """A library with its people and shelves. `free` and `waiting` are by work; `taken` holds (person, work) on loan or reserved."""

    number: int
    library: Library
    staff: Staff
    people: Sequence[Person]
    patron_ids: Sequence[int]
    items: dict[str, Item]
    free: dict[str, set[str]]
    contacts: list[dict[str, str | None]]
    waiting: defaultdict[str, dict[int, Waiting]] = field(default_factory=lambda: defaultdict(dict))
    taken: set[tuple[int, str]] = field(default_factory=set)
    own: dict[int, Login] = field(default_factory=dict)
    queues: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    tally: Tally = field(default_factory=Tally)

    @property
    def agency(self) -> str:
        """The library's ISIL."""
        return self.library.isil

    def queue(self, work_id: str) -> asyncio.Lock:
        """Return the lock under which the queue of a work moves on by itself: two that move it at once could not be told apart."""
        return self.queues[work_id]

    def actor(self, person: int) -> Actor:
        """Return who acts, or is acted on: a patron of this library."""
        return self.number, person

    def login_of(self, person: int) -> Login:
        """Return the patron's own log-in, or the librarian's for one who does not use the web."""
        return self.own.get(person, self.staff.librarian)

    def may_log_in(self, person: int) -> None:
        """Let a patron act by their own token."""
        known = self.people[person]
        self.own[person] = password_login(known.card, known.pin, self.agency)

    def automat(self, person: int) -> tuple[str, Login]:
        """Return the branch that a patron goes to, and its automat."""
        branch = self.people[person].branch
        return branch, self.staff.automats[branch]


Fetch = Callable[["Scene", Town, Waiting], Awaitable[None]]


async def _nobody_fetches(_: "Scene", __: Town, ___: Waiting) -> None:
    """Leave what is ready on the shelf, until the desk is there."""


class Scene:
    """The stage: where deeds are put on the agenda, and played phase by phase."""

    def __init__(
        self,
        api: SuiteClient,
        history: History,
        looker: Looker,
        steps: Sequence[Step],
        works: Sequence[Work],
        towns: Sequence[Town],
        seed: int,
    ) -> None:
        """Set the stage before the first step."""
        self.api = api
        self.history = history
        self.looker = looker
        self.steps = steps
        self.works = works
        self.by_id = {work.record_id: work for work in works}
        self.towns = towns
        self.seed = seed
        self.step = steps[0]
        self.fetch: Fetch = _nobody_fetches
        self._agenda: defaultdict[int, list[tuple[Phase, str, Actor, Deed]]] = defaultdict(list)

    def chance(self, *of: object) -> random.Random:
        """Return a source of chance of one thing's own, so that no order of answers changes what is drawn."""
        return random.Random("/".join(map(str, (self.seed, *of))))

    def note(self, act: str, town: Town, **fields: object) -> None:
        """Record an act that succeeded now."""
        self.history.note(act, self.step.at, town.agency, **fields)

    def later(self, phase: Phase, name: str, who: Actor, at: datetime, deed: Deed) -> None:
        """Put a deed on the agenda: at the first opening hour at or after `at`, but not in this step; never if that is too late."""
        number = next_open(self.steps, max(at, self.step.at + timedelta(seconds=1)))
        if number is not None:
            self._agenda[number].append((phase, name, who, deed))

    def at_step(self, number: int, phase: Phase, name: str, who: Actor, deed: Deed) -> None:
        """Put a deed on the agenda of a step to come."""
        self._agenda[number].append((phase, name, who, deed))

    async def play(self) -> None:
        """Do all that is on the agenda of this step: every town for itself, phase after phase, its patrons side by side.

        A patron does one thing at a time, so the history has each one's acts in the order in which the suite did them.
        """
        agenda = sorted(self._agenda.pop(self.step.number, []), key=lambda entry: entry[:2])
        towns: defaultdict[int, defaultdict[Phase, defaultdict[Actor, list[Deed]]]]
        towns = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for phase, _, who, deed in agenda:
            towns[who[0]][phase][who].append(deed)
        await asyncio.gather(*(_phase_after_phase(phases) for phases in towns.values()))


async def _phase_after_phase(phases: Mapping[Phase, Mapping[Actor, Sequence[Deed]]]) -> None:
    for _, lists in sorted(phases.items()):
        await asyncio.gather(*(_one_by_one(deeds) for deeds in lists.values()))


async def _one_by_one(deeds: Sequence[Deed]) -> None:
    for deed in deeds:
        await deed()
