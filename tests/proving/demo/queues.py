"""Reservations: placed, shortened, cancelled, fetched, or forgotten on the shelf."""

from datetime import date, timedelta
from functools import partial
from typing import Any

from glem.clock import end_of_local_day, local_date
from tests.proving.demo.scene import Phase, Scene, Town, Waiting

MOST_AT_ONCE = 8


def may_reserve(town: Town, person: int) -> bool:
    """Say whether a patron has few enough reservations for one more."""
    return sum(person == one.person for queue in town.waiting.values() for one in queue.values()) < MOST_AT_ONCE


async def reserve(scene: Scene, town: Town, person: int, work_id: str, name: str) -> None:
    """Place a reservation, and decide what will become of it."""
    patron_id = town.patron_ids[person]
    body = {"patron_id": patron_id, "work_id": work_id}
    answer = await scene.api.ask(town.login_of(person), "POST", "/loan-api/reservations", body)
    if not answer.ok:
        town.taken.discard((person, work_id))
        return
    made = answer.body
    chance = scene.chance("reservation", name)
    waiting = Waiting(name, made["reservation_id"], person, work_id, chance)
    town.waiting[work_id][waiting.reservation_id] = waiting
    town.tally.reservations += 1
    scene.note(
        "reserve",
        town,
        reservation_id=waiting.reservation_id,
        patron_id=patron_id,
        work_id=work_id,
        expires_on=made["expires_on"],
    )
    kind = chance.random()
    if kind < 0.14:
        at = scene.step.at + timedelta(days=chance.uniform(0.1, 20))
        scene.later(Phase.QUEUES, name, town.actor(person), at, partial(cancel, scene, town, waiting))
    elif kind < 0.22:
        await _shorten(scene, town, waiting, name)


async def _shorten(scene: Scene, town: Town, waiting: Waiting, name: str) -> None:
    """Let the patron want the work for some days only."""
    until = local_date(scene.step.at) + timedelta(days=waiting.chance.randrange(2, 12))
    path = f"/loan-api/reservations/{waiting.reservation_id}"
    body = {"expires_on": until.isoformat()}
    answer = await scene.api.ask(town.login_of(waiting.person), "PATCH", path, body)
    if answer.ok:
        who = town.actor(waiting.person)
        scene.note("interest", town, reservation_id=waiting.reservation_id, expires_on=until.isoformat())
        scene.later(Phase.QUEUES, name, who, end_of_local_day(until), partial(_expired, scene, town, waiting, until))


async def _expired(scene: Scene, town: Town, waiting: Waiting, until: date) -> None:
    if not waiting.ready and local_date(scene.step.at) > until:
        _forget(town, waiting)


async def cancel(scene: Scene, town: Town, waiting: Waiting) -> None:
    """Cancel a reservation that is still there; what waited for it goes to the next."""
    async with town.queue(waiting.work_id):
        await _cancel(scene, town, waiting)


async def _cancel(scene: Scene, town: Town, waiting: Waiting) -> None:
    still = waiting.reservation_id in town.waiting[waiting.work_id]
    if not still or waiting.is_left(local_date(scene.step.at)):
        return
    path = f"/loan-api/reservations/{waiting.reservation_id}"
    answer = await scene.api.ask(town.login_of(waiting.person), "DELETE", path)
    if not answer.ok:
        return
    scene.note("cancel", town, reservation_id=waiting.reservation_id)
    town.tally.cancelled += 1
    item = waiting.item
    _forget(town, waiting)
    if item is not None:
        await ask_for_next(scene, town, waiting.work_id, item)


def _forget(town: Town, waiting: Waiting) -> None:
    town.waiting[waiting.work_id].pop(waiting.reservation_id, None)
    town.taken.discard((waiting.person, waiting.work_id))


def fulfilled(town: Town, person: int, work_id: str) -> None:
    """Take note that a check-out ended the patron's reservation of the work."""
    for waiting in [one for one in town.waiting[work_id].values() if one.person == person]:
        town.waiting[work_id].pop(waiting.reservation_id)
        town.tally.fulfilled += 1


def shelve(scene: Scene, town: Town, barcode: str, ready: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put an item that came free where the suite says: to the one it is ready for, or back on the open shelf.

    Returns the fields of the reservation that became ready for the history, or None.
    """
    work_id = town.items[barcode].work_id
    waiting = town.waiting[work_id].get(ready["reservation_id"]) if ready is not None else None
    if ready is None or waiting is None:
        if ready is None:
            town.free[work_id].add(barcode)
        return None
    deadline = date.fromisoformat(ready["pickup_deadline"])
    waiting.ready, waiting.item, waiting.deadline = True, barcode, deadline
    _plan_fetching(scene, town, waiting, deadline)
    return {"reservation_id": waiting.reservation_id, "deadline": deadline.isoformat()}


def _plan_fetching(scene: Scene, town: Town, waiting: Waiting, deadline: date) -> None:
    who = town.actor(waiting.person)
    kind, days = waiting.chance.random(), (deadline - local_date(scene.step.at)).days
    at = scene.step.at + timedelta(days=waiting.chance.uniform(0.1, max(0.2, days - 0.6)))
    if kind < 0.80:
        scene.later(Phase.PICK_UPS, waiting.name, who, at, partial(scene.fetch, scene, town, waiting))
    elif kind < 0.88:
        scene.later(Phase.QUEUES, waiting.name, who, at, partial(cancel, scene, town, waiting))
    after = end_of_local_day(deadline)
    scene.later(Phase.QUEUES, f"{waiting.name}/left", who, after, partial(_left_lying, scene, town, waiting))


async def _left_lying(scene: Scene, town: Town, waiting: Waiting) -> None:
    """After the last day to fetch: the reservation is over, and its item has gone to the next."""
    async with town.queue(waiting.work_id):
        await _pass_on(scene, town, waiting)


async def _pass_on(scene: Scene, town: Town, waiting: Waiting) -> None:
    still = waiting.reservation_id in town.waiting[waiting.work_id]
    if still and waiting.item is not None and waiting.is_left(local_date(scene.step.at)):
        item = waiting.item
        _forget(town, waiting)
        await ask_for_next(scene, town, waiting.work_id, item)


async def ask_for_next(scene: Scene, town: Town, work_id: str, barcode: str) -> None:
    """Ask the suite whose turn it is now, patron by patron, because no answer reports an item that was passed on by itself."""
    for waiting in list(town.waiting[work_id].values()):
        if waiting.ready:
            continue
        path = f"/loan-api/patrons/{town.patron_ids[waiting.person]}/reservations"
        views = await scene.api.must(town.staff.librarian, "GET", path)
        found = [view for view in views if view["reservation_id"] == waiting.reservation_id]
        if found and found[0]["state"] == "ready":
            ready = shelve(scene, town, barcode, found[0])
            if ready is not None:
                scene.note("ready", town, **ready)
            return
    town.free[work_id].add(barcode)
