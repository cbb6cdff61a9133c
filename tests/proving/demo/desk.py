"""Check-out, check-in, renewals, wrong returns, and items that are lost and found."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from glem.clock import local_date
from tests.proving.demo import money, queues
from tests.proving.demo.plan import Fate, Visit, Wish
from tests.proving.demo.scene import Phase, Scene, Town, Waiting

FETCHED = Fate(0.6)


@dataclass
class Lent:
    """A loan as the demo knows it."""

    name: str
    person: int
    loan_id: int
    item: str
    work_id: str
    opened: date
    due_on: date
    fate: Fate
    renewed: int = 0
    closed: bool = False
    debts: list[money.Owed] = field(default_factory=list)


async def visit(scene: Scene, town: Town, visit: Visit, name: str) -> None:
    """Let a patron borrow what is on their list: what is in, at once; what is not, by reservation or not at all."""
    person = town.people[visit.person]
    branch, automat = town.automat(visit.person)
    chosen = [(wish, _choose(scene, town, visit.person, wish)) for wish in visit.wishes]
    if scene.chance("identify", name).random() < 0.15:
        who = await scene.api.must(automat, "POST", "/patron-api/patrons/identify", {"card": person.card})
        if who["patron_id"] != town.patron_ids[visit.person]:
            message = "an automat recognised somebody else"
            raise RuntimeError(message)
    for place, (wish, (verb, what)) in enumerate(chosen):
        part = f"{name}/{place:02}"
        if verb == "lend":
            receipt = wish.receipt and person.email is not None
            await _lend(scene, town, visit.person, what, branch, wish.fate, part, receipt=receipt)
        elif verb == "reserve":
            await queues.reserve(scene, town, visit.person, what, part)


def _choose(scene: Scene, town: Town, person: int, wish: Wish) -> tuple[str, str]:
    """Return ("lend", barcode), ("reserve", work) or ("", ""): the first of the wished works that is available."""
    for place in wish.places:
        work = scene.works[place]
        key = (person, work.record_id)
        if key in town.taken or not town.library.lends(town.people[person].group, work.type):
            continue
        free = town.free[work.record_id]
        if free and not town.waiting[work.record_id]:
            barcode = min(free)
            free.discard(barcode)
            town.taken.add(key)
            return "lend", barcode
        if wish.reserves and not free and queues.may_reserve(town, person):
            town.taken.add(key)
            return "reserve", work.record_id
    return "", ""


async def _lend(
    scene: Scene, town: Town, person: int, barcode: str, branch: str, fate: Fate, name: str, *, receipt: bool
) -> bool:
    _, automat = town.automat(person)
    patron_id, work_id = town.patron_ids[person], town.items[barcode].work_id
    body = {"patron_id": patron_id, "item": barcode, "branch": branch, "receipt": receipt}
    answer = await scene.api.ask(automat, "POST", "/loan-api/loans", body)
    if not answer.ok:
        town.taken.discard((person, work_id))
        return False
    if scene.chance("again", name).random() < 0.01:
        repeated = await scene.api.must(automat, "POST", "/loan-api/loans", body)
        if repeated["loan_id"] != answer.body["loan_id"]:
            message = "a repeated check-out made a second loan"
            raise RuntimeError(message)
    made = answer.body
    lent = Lent(
        name,
        person,
        made["loan_id"],
        barcode,
        work_id,
        local_date(scene.step.at),
        date.fromisoformat(made["due_on"]),
        fate,
    )
    town.tally.loans += 1
    scene.note(
        "lend",
        town,
        loan_id=lent.loan_id,
        patron_id=patron_id,
        item=barcode,
        work_id=work_id,
        branch=branch,
        due_on=made["due_on"],
    )
    queues.fulfilled(town, person, work_id)
    _plan(scene, town, lent)
    return True


async def fetch(scene: Scene, town: Town, waiting: Waiting) -> None:
    """Let a patron borrow what waits on the shelf for them."""
    if waiting.reservation_id not in town.waiting[waiting.work_id] or waiting.item is None:
        return
    town.taken.add((waiting.person, waiting.work_id))
    back = FETCHED if waiting.chance.random() < 0.85 else Fate(1.2)
    branch = town.people[waiting.person].branch
    await _lend(scene, town, waiting.person, waiting.item, branch, back, f"{waiting.name}/fetched", receipt=False)


def _plan(scene: Scene, town: Town, lent: Lent) -> None:
    """Put what becomes of a loan on the agenda."""
    days = (lent.due_on - lent.opened).days
    fate, now = lent.fate, scene.step.at
    if fate.renewals > lent.renewed:
        before = max(0.4, days - 2 + scene.chance("renew", lent.name, lent.renewed).uniform(-1.5, 0.5))
        scene.later(
            Phase.RENEWALS,
            lent.name,
            town.actor(lent.person),
            now + timedelta(days=before),
            partial(_renew, scene, town, lent),
        )
    elif fate.given_up is not None:
        after = days * scene.chance("give up", lent.name).uniform(0.4, 1.6)
        scene.later(
            Phase.CORRECTIONS,
            lent.name,
            town.actor(lent.person),
            now + timedelta(days=after),
            partial(_give_up, scene, town, lent),
        )
    elif fate.back_after is not None:
        back = now + timedelta(days=days * fate.back_after)
        scene.later(Phase.RETURNS, lent.name, town.actor(lent.person), back, partial(_give_back, scene, town, lent))


async def _renew(scene: Scene, town: Town, lent: Lent) -> None:
    if lent.closed:
        return
    path = f"/loan-api/loans/{lent.loan_id}/renewal"
    answer = await scene.api.ask(town.login_of(lent.person), "POST", path)
    if answer.ok:
        lent.due_on = date.fromisoformat(answer.body["due_on"])
        lent.opened = local_date(scene.step.at)
        scene.note("renew", town, loan_id=lent.loan_id, due_on=answer.body["due_on"])
        lent.renewed += 1
    else:
        lent.renewed = lent.fate.renewals
        lent.opened = local_date(scene.step.at)
    if lent.due_on > lent.opened:
        _plan(scene, town, lent)
    else:
        scene.later(
            Phase.RETURNS, lent.name, town.actor(lent.person), scene.step.at, partial(_give_back, scene, town, lent)
        )


async def _give_back(scene: Scene, town: Town, lent: Lent) -> None:
    if lent.closed:
        return
    branch, automat = town.automat(lent.person)
    body: dict[str, Any] = {"item": lent.item, "branch": branch, "receipt": lent.fate.receipt}
    yesterday = local_date(scene.step.at) - timedelta(days=1)
    if lent.fate.book_drop and yesterday > lent.opened:
        body["returned_at"] = yesterday.isoformat()
    key = {"Idempotency-Key": f"return-{lent.loan_id}-{scene.step.number}"}
    answer = await scene.api.must(automat, "POST", "/loan-api/returns", body, headers=key)
    _returned(scene, town, lent, answer, body.get("returned_at"))
    if lent.fate.undone:
        scene.later(
            Phase.CORRECTIONS, lent.name, town.actor(lent.person), scene.step.at, partial(_undo, scene, town, lent)
        )


def _returned(scene: Scene, town: Town, lent: Lent, answer: dict[str, Any], told_on: str | None) -> None:
    lent.closed = True
    town.taken.discard((lent.person, lent.work_id))
    town.tally.returns += 1
    debts = [money.debt_entry(debt, [lent.loan_id]) for debt in answer["debts"]]
    ready = queues.shelve(scene, town, lent.item, answer["reservation"])
    scene.note(
        "return",
        town,
        loan_id=lent.loan_id,
        returned_at=answer["loan"]["returned_at"],
        told_on=told_on,
        debts=debts,
        ready=ready,
    )
    _owe(scene, town, lent, debts)


def _owe(scene: Scene, town: Town, lent: Lent, debts: list[dict[str, Any]]) -> None:
    for number, debt in enumerate(debts):
        name = f"{lent.name}/debt/{lent.renewed}{number}{int(lent.closed)}{len(lent.debts)}"
        lent.debts.append(money.owe(scene, town, lent.person, debt, name))


async def _undo(scene: Scene, town: Town, lent: Lent) -> None:
    """Take a return back that was scanned by mistake, if nobody has the item meanwhile; it comes back for good later."""
    shelf = town.free[lent.work_id]
    waiting = next((one for one in town.waiting[lent.work_id].values() if one.item == lent.item), None)
    if lent.item not in shelf and waiting is None:
        return
    answer = await scene.api.ask(town.staff.librarian, "POST", f"/loan-api/loans/{lent.loan_id}/undo-return")
    if not answer.ok:
        return
    shelf.discard(lent.item)
    if waiting is not None:
        waiting.ready, waiting.item = False, None
    scene.note("undo-return", town, loan_id=lent.loan_id)
    town.tally.returns -= 1
    lent.closed, lent.fate = False, Fate(1.0)
    town.taken.add((lent.person, lent.work_id))
    for owed in lent.debts:
        owed.balance = 0
    back = scene.step.at + timedelta(days=scene.chance("undone", lent.name).uniform(1, 20))
    scene.later(Phase.RETURNS, lent.name, town.actor(lent.person), back, partial(_give_back, scene, town, lent))


async def _give_up(scene: Scene, town: Town, lent: Lent) -> None:
    """Report an item lost or damaged."""
    body = {"cause": lent.fate.given_up}
    answer = await scene.api.must(town.staff.librarian, "POST", f"/loan-api/loans/{lent.loan_id}/lost", body)
    lent.closed = True
    town.taken.discard((lent.person, lent.work_id))
    debts = [money.debt_entry(answer["debt"], [lent.loan_id])] if answer["debt"] else []
    scene.note("lose", town, loan_id=lent.loan_id, cause=lent.fate.given_up, debts=debts)
    _owe(scene, town, lent, debts)
    if lent.fate.found_days is not None:
        at = scene.step.at + timedelta(days=lent.fate.found_days)
        scene.later(Phase.CORRECTIONS, lent.name, town.actor(lent.person), at, partial(_find, scene, town, lent))


async def _find(scene: Scene, town: Town, lent: Lent) -> None:
    """Bring back what was given up: what is still owed for it is waived."""
    branch, automat = town.automat(lent.person)
    body = {"item": lent.item, "branch": branch}
    answer = await scene.api.ask(automat, "POST", "/loan-api/returns", body)
    if not answer.ok:
        return
    ready = queues.shelve(scene, town, lent.item, answer.body["reservation"])
    loan = answer.body["loan"]
    scene.note("found", town, loan_id=loan["loan_id"] if loan else None, ready=ready)
    for owed in lent.debts:
        owed.balance = 0
