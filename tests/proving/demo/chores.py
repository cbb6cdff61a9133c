"""What patrons and librarians change about patrons: contact data, absences, notes, blocks."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from glem.clock import end_of_local_day, local_date
from tests.proving.demo import money
from tests.proving.demo.scene import Phase, Scene, Town

PER_HUNDRED_LOANS = {"contacts": 2.4, "absence": 0.9, "note": 1.6, "block": 0.4, "charge": 0.2}
NOTES = {"internal": "internal-note", "patron": "patron-note"}
TEXTS = {
    "internal": "Aftalt på telefon, at betalingen kan vente til den første.",
    "patron": "Velkommen tilbage. Husk at hente din nye folder ved skranken.",
}
BLOCK = "U"


@dataclass(frozen=True)
class Chore:
    """One thing to be done about a patron, at an opening hour."""

    kind: str
    step: int
    town: int
    person: int


def make_chores(scene: Scene, loans: int) -> list[Chore]:
    """Draw what is to be done about patrons over all the time."""
    busy = [step.number for step in scene.steps if step.open]
    chores = []
    for town in scene.towns:
        chance = scene.chance("chores", town.agency)
        for kind, share in PER_HUNDRED_LOANS.items():
            number = round(loans * town.library.share * share / 100)
            chores += [
                Chore(kind, chance.choice(busy), town.number, chance.randrange(len(town.people))) for _ in range(number)
            ]
    return chores


async def do(scene: Scene, chore: Chore, name: str) -> None:
    """Do one chore."""
    town = scene.towns[chore.town]
    deeds = {"contacts": _contacts, "absence": _absence, "note": _note, "block": _block, "charge": _charge}
    await deeds[chore.kind](scene, town, chore.person, name)


async def _charge(scene: Scene, town: Town, person: int, name: str) -> None:
    await money.charge(scene, town, person, name)


async def _contacts(scene: Scene, town: Town, person: int, name: str) -> None:
    """Change the phone number, the e-mail address, or both."""
    chance = scene.chance("contacts", name)
    now = town.contacts[person]
    body: dict[str, object] = {}
    wanted = dict(now)
    if chance.random() < 0.6 or now["email"] is None:
        wanted["phone"] = f"+45{26 + chance.randrange(3)}{chance.randrange(1_000_000):06}"
        body["phones"] = [{"number": wanted["phone"], "kind": "mobile", "receives": True}]
    if now["email"] is not None and ("phones" not in body or chance.random() < 0.3):
        wanted["email"] = f"ny{chance.randrange(10**9)}@post.example.dk"
        body["emails"] = [{"address": wanted["email"], "receives": True}]
    path = f"/patron-api/patrons/{town.patron_ids[person]}/contacts"
    await scene.api.must(town.login_of(person), "PUT", path, body)
    town.contacts[person] = wanted
    scene.note(
        "contacts", town, patron_id=town.patron_ids[person], contacts=[value for value in wanted.values() if value]
    )


async def _absence(scene: Scene, town: Town, person: int, name: str) -> None:
    """Be away for some days; now and then come back sooner."""
    chance = scene.chance("absence", name)
    patron_id = town.patron_ids[person]
    today = local_date(scene.step.at)
    until = today + timedelta(days=chance.randrange(2, 21))
    path = f"/patron-api/patrons/{patron_id}/absence"
    old = await scene.looker.absence_of(patron_id)
    await scene.api.must(town.login_of(person), "PUT", path, {"from": today.isoformat(), "until": until.isoformat()})
    if old is not None:
        scene.note("wipe", town, record_class="absence", record_id=old)
    new = await scene.looker.absence_of(patron_id)
    anchor = end_of_local_day(until).isoformat()
    scene.note("write", town, record_class="absence", record_id=new, patron_id=patron_id, kind="absence", anchor=anchor)
    if chance.random() < 0.2:
        at = scene.step.at + timedelta(days=1)
        scene.later(Phase.CHORES, name, town.actor(person), at, partial(_return_home, scene, town, person, new))


async def _return_home(scene: Scene, town: Town, person: int, absence: int | None) -> None:
    if await scene.looker.absence_of(town.patron_ids[person]) == absence:
        path = f"/patron-api/patrons/{town.patron_ids[person]}/absence"
        await scene.api.must(town.login_of(person), "PUT", path, {})
        scene.note("wipe", town, record_class="absence", record_id=absence)


async def _note(scene: Scene, town: Town, person: int, name: str) -> None:
    """Write a note; it replaces the one before."""
    chance = scene.chance("note", name)
    kind = chance.choice(sorted(NOTES))
    patron_id = town.patron_ids[person]
    old = await scene.looker.note_of(patron_id, kind)
    path = f"/patron-api/patrons/{patron_id}/notes"
    await scene.api.must(town.staff.librarian, "PUT", path, {kind: TEXTS[kind]})
    if old is not None:
        scene.note("wipe", town, record_class=NOTES[kind], record_id=old)
    new = await scene.looker.note_of(patron_id, kind)
    anchor = scene.step.at.isoformat()
    scene.note("write", town, record_class=NOTES[kind], record_id=new, patron_id=patron_id, kind=kind, anchor=anchor)


async def _block(scene: Scene, town: Town, person: int, name: str) -> None:
    """Block a patron for some days."""
    path = f"/patron-api/patrons/{town.patron_ids[person]}/blocks"
    answer = await scene.api.ask(
        town.staff.librarian, "POST", path, {"code": BLOCK, "reason": "Adressen skal bekræftes"}
    )
    if answer.ok:
        at = scene.step.at + timedelta(days=scene.chance("block", name).uniform(1, 25))
        scene.later(Phase.CHORES, name, town.actor(person), at, partial(_unblock, scene, town, person))


async def _unblock(scene: Scene, town: Town, person: int) -> None:
    path = f"/patron-api/patrons/{town.patron_ids[person]}/blocks/{BLOCK}"
    await scene.api.must(town.staff.librarian, "DELETE", path)


async def watch_blocks(scene: Scene) -> None:
    """Tell the history of blocks that were lifted, by staff or because a debt was settled; no answer names them."""
    towns = {town.agency: town for town in scene.towns}
    for block_id, row in (await scene.looker.new_lifted_blocks()).items():
        scene.history.note(
            "write",
            row.at,
            towns[row.agency].agency,
            record_class="lifted-block",
            record_id=block_id,
            patron_id=row.patron_id,
            kind=row.kind,
            anchor=row.at.isoformat(),
        )
