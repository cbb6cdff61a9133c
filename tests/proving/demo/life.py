"""The life of four towns: the stage is set, then step after step the clock travels and people do what they do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from glem_local.mail import MailCatcher
from tests.proving.demo import chores, desk
from tests.proving.demo.accounts import enrol, hire
from tests.proving.demo.calendar import Step
from tests.proving.demo.catalogue import Work, buy, import_catalogue
from tests.proving.demo.history import History
from tests.proving.demo.houses import Library
from tests.proving.demo.people import invent
from tests.proving.demo.plan import make_visits
from tests.proving.demo.process import Served
from tests.proving.demo.progress import Progress
from tests.proving.demo.scene import Phase, Scene, Town
from tests.proving.demo.suite_client import SuiteClient

SECRET = "demo-hemmelighed"
WEB_USERS = 12
EXTRA = 1.1


@dataclass
class Pace:
    """How long the suite took to do what each step made due, in real seconds; and how long everything else took."""

    settling: list[float] = field(default_factory=list)
    acting: float = 0.0


async def found_town(
    api: SuiteClient,
    served: Served,
    number: int,
    library: Library,
    works: Sequence[Work],
    patrons: int,
    start: datetime,
    seed: int,
) -> Town:
    """Open a library: staff, catalogue, items and patrons."""
    staff = await hire(api, library, served.administrator, SECRET)
    items = buy(library, works, seed)
    await import_catalogue(api, staff.administrator, works, items)
    people = invent(library.house, patrons, start.date(), seed)
    patron_ids = [
        patron_id for patron_id in await enrol(api, staff.librarian, library, people, start.date()) if patron_id
    ]
    free: dict[str, set[str]] = {work.record_id: set() for work in works}
    for item in items:
        free[item.work_id].add(item.barcode)
    town = Town(
        number,
        library,
        staff,
        people,
        patron_ids,
        {item.barcode: item for item in items},
        free,
        [{"phone": person.phone, "email": person.email} for person in people],
    )
    for person in range(WEB_USERS):
        town.may_log_in(person)
    return town


def tell_of_patrons(history: History, town: Town, at: datetime) -> None:
    """Record who was registered: what lending knows, and where they are reached."""
    for person, patron_id in zip(town.people, town.patron_ids, strict=True):
        history.note(
            "register",
            at,
            town.agency,
            patron_id=patron_id,
            group=person.group,
            home_branch=person.branch,
            language=person.language,
            contacts=[value for value in (person.phone, person.email) if value],
        )


def write_agenda(scene: Scene, loans: int) -> None:
    """Put all visits and chores on the agenda."""
    scene.fetch = desk.fetch
    libraries, people = [town.library for town in scene.towns], [town.people for town in scene.towns]
    wanted = round(loans * EXTRA)
    visits = make_visits(libraries, people, len(scene.works), scene.steps, wanted, scene.seed)
    for number, visit in enumerate(visits):
        name = f"visit/{number:05}"
        town = scene.towns[visit.library]
        deed = partial(desk.visit, scene, town, visit, name)
        scene.at_step(visit.step, Phase.VISITS, name, town.actor(visit.person), deed)
    for number, chore in enumerate(chores.make_chores(scene, loans)):
        name = f"chore/{number:05}"
        who = scene.towns[chore.town].actor(chore.person)
        scene.at_step(chore.step, Phase.CHORES, name, who, partial(chores.do, scene, chore, name))


async def live(scene: Scene, mails: MailCatcher, progress: Progress) -> Pace:
    """Live through all steps; raises UnexpectedError at the first answer that should not be."""
    pace = Pace()
    erased = 0
    for step in scene.steps:
        began = time.perf_counter()
        await scene.api.travel(step.seconds)
        settled = time.perf_counter()
        scene.step = step
        scene.history.note("step", step.at, "*")
        if step.new_day:
            await scene.looker.glance()
            await chores.watch_blocks(scene)
            erased = await scene.looker.registered()
        await scene.play()
        pace.settling.append(settled - began)
        pace.acting += time.perf_counter() - settled
        loans = sum(town.tally.loans for town in scene.towns)
        progress.show(_day(scene.steps, step), loans, erased, mails.count)
    await chores.watch_blocks(scene)
    return pace


def _day(steps: Sequence[Step], step: Step) -> int:
    return (step.at - steps[0].at).days
