"""The queue: who gets what when, and how nothing of an ended reservation stays."""

import asyncio
from datetime import timedelta

import pytest

from glem_contracts.events import PatronErased

KOEGE, AALBORG = "DK-725900", "DK-785100"
DAY = timedelta(days=1)


@pytest.fixture
async def lent(library):
    """An item that somebody has on loan."""
    [item] = await library.make_items()
    await library.lend(library.make_patron(), item)
    return item


async def nothing_left(library, reservation_id, item):
    """No row, and no event that holds both the reservation or its patron and the work."""
    database = library.runtime.database
    assert await database.fetchval("SELECT count(*) FROM reservation WHERE reservation_id = $1", reservation_id) == 0
    work_id = (await library.work_of(item)).encode()
    item_id = str(await database.fetchval("SELECT item_id FROM item WHERE barcode = $1", item)).encode()
    for row in await database.fetch("SELECT payload FROM outbox"):
        assert work_id not in row["payload"]
        assert item_id not in row["payload"]
        assert item.encode() not in row["payload"]


async def test_first_come_first_served(library, lent):
    patrons = [library.make_patron() for _ in range(3)]
    for patron in patrons:
        await library.queue(patron, lent)
        library.clock.travel(timedelta(minutes=1))
    assert [(await library.reservations(patron))[0]["position"] for patron in patrons] == [1, 2, 3]
    returned = await library.take_back(lent)
    assert returned["reservation"]["patron_id"] == patrons[0]
    assert returned["reservation"]["pickup_deadline"] == str(library.today + 7 * DAY)
    assert await library.item_state(lent) == "on-shelf"
    [event] = await library.events("ReservationReady")
    assert event["data"]["pickup_number"] == returned["reservation"]["pickup_number"]
    assert [(await library.reservations(patron))[0]["position"] for patron in patrons] == [None, 1, 2]


async def test_the_shelf_is_for_its_patron_and_the_loan_ends_the_reservation(library, lent, problem):
    first, second = library.make_patron(), library.make_patron()
    reservation = await library.queue(first, lent)
    await library.queue(second, lent)
    await library.take_back(lent)
    assert problem(await library.check_out(second, lent)) == (409, "item-reserved")
    await library.events()
    await library.lend(first, lent)
    [event] = await library.events("ReservationFulfilled")
    assert event["data"]["erased"] == [{"record_class": "reservation", "record_ids": [reservation], "action": "erase"}]
    await nothing_left(library, reservation, lent)
    assert (await library.reservations(second))[0]["position"] == 1


async def test_a_free_item_of_a_queued_work_is_for_the_queue(library, problem):
    [item] = await library.make_items()
    first, second = library.make_patron(), library.make_patron()
    await library.queue(first, item)
    assert problem(await library.check_out(second, item)) == (409, "item-reserved")
    await library.lend(first, item)
    assert await library.reservations(first) == []


async def test_with_more_items_than_waiting_patrons_nobody_is_refused(library, problem):
    first, second = await library.make_items(2)
    await library.queue(library.make_patron(), first)
    await library.lend(library.make_patron(), second)
    assert problem(await library.check_out(library.make_patron(), first)) == (409, "item-reserved")


async def test_taking_another_copy_frees_the_one_on_the_shelf(library):
    first, second = await library.make_items(2)
    holder, patron, other = (library.make_patron() for _ in range(3))
    await library.lend(holder, first)
    await library.lend(holder, second)
    await library.queue(patron, first)
    await library.take_back(first)
    await library.take_back(second)
    await library.queue(other, first)
    await library.lend(patron, second)
    [ready] = await library.reservations(other)
    assert ready["state"] == "ready"


async def test_an_item_fetched_for_the_queue_is_shelved(library):
    [item] = await library.make_items()
    await library.queue(library.make_patron(), item)
    done = await library.take_back(item)
    assert done["loan"] is None
    assert done["reservation"]["state"] == "ready"


@pytest.mark.parametrize(
    ("start", "end", "away"), [(0, 0, True), (-3, 0, True), (0, 3, True), (1, 3, False), (-3, -1, False)]
)
async def test_no_reservation_is_filled_in_an_absence(library, lent, start, end, away):
    absent = library.make_patron(
        absent_from=str(library.today + start * DAY), absent_until=str(library.today + end * DAY)
    )
    present = library.make_patron()
    await library.queue(absent, lent)
    library.clock.travel(timedelta(seconds=1))
    await library.queue(present, lent)
    assert (await library.take_back(lent))["reservation"]["patron_id"] == (present if away else absent)


async def test_r47_a_cancelled_reservation_leaves_nothing(library, lent):
    patron = library.make_patron()
    reservation = await library.queue(patron, lent)
    answer = await library.as_patron(patron, "DELETE", f"/reservations/{reservation}")
    assert answer.status_code == 204
    [event] = await library.events("ReservationCancelled")
    assert event["data"]["erased"][0]["record_ids"] == [reservation]
    await nothing_left(library, reservation, lent)


async def test_cancelling_a_ready_one_passes_the_item_on(library, lent):
    first, second = library.make_patron(), library.make_patron()
    reservation = await library.queue(first, lent)
    await library.queue(second, lent)
    await library.take_back(lent)
    await library.call("DELETE", f"/reservations/{reservation}")
    assert (await library.reservations(second))[0]["state"] == "ready"
    await library.call("DELETE", f"/reservations/{(await library.reservations(second))[0]['reservation_id']}")
    assert await library.item_state(lent) == "available"


async def test_cancelling_twice_and_somebody_elses(library, lent, problem):
    patron = library.make_patron()
    reservation = await library.queue(patron, lent)
    other = library.make_patron()
    assert problem(await library.as_patron(other, "DELETE", f"/reservations/{reservation}")) == (403, "missing-scope")
    path = f"/reservations/{reservation}"
    assert problem(await library.call("DELETE", path, agency=AALBORG)) == (403, "wrong-agency")
    answers = await asyncio.gather(*(library.call("DELETE", path) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    assert len(await library.events("ReservationCancelled")) == 1


async def test_what_cannot_be_reserved(library, lent, problem):
    patron = library.make_patron()
    await library.queue(patron, lent)
    assert problem(await library.reserve(patron, lent)) == (409, "already-reserved")
    [mine] = await library.make_items()
    loan = await library.lend(patron, mine)
    assert problem(await library.reserve(patron, mine)) == (409, "already-loaned")
    await library.call("POST", f"/loans/{loan['loan_id']}/lost", json={"cause": "lost", "price": 0})
    assert problem(await library.reserve(library.make_patron(), mine)) == (409, "not-reservable")
    blocked = library.make_patron(blocks=["U"])
    assert problem(await library.reserve(blocked, lent)) == (409, "patron-blocked")
    body = {"patron_id": patron, "work_id": "870970-basis:4711"}
    assert problem(await library.call("POST", "/reservations", json=body)) == (404, "unknown-work")
    fresh = library.make_patron()
    assert problem(await library.reserve(fresh, lent, pickup_branch="DK-1")) == (422, "unknown-branch")
    assert problem(await library.reserve(fresh, lent, expires_on="2027-02-28")) == (422, "bad-interest-period")
    assert problem(await library.as_patron(fresh, "POST", "/reservations", json=body | {"patron_id": patron})) == (
        403,
        "missing-scope",
    )


async def test_no_more_than_the_agency_allows(library, problem):
    patron = library.make_patron()
    for _ in range(library.app.state.lending[KOEGE].max_reservations):
        [item] = await library.make_items()
        await library.queue(patron, item)
    [item] = await library.make_items()
    assert problem(await library.reserve(patron, item)) == (409, "too-many-reservations")


async def test_parallel_placements_make_one_reservation(library, lent):
    patron = library.make_patron()
    answers = await asyncio.gather(*(library.reserve(patron, lent) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_branch_and_period_are_changed(library, lent, problem):
    patron = library.make_patron()
    reservation = await library.queue(patron, lent)
    changes = {"pickup_branch": "DK-725901", "expires_on": "2027-04-01"}
    changed = await library.as_patron(patron, "PATCH", f"/reservations/{reservation}", json=changes)
    assert changed.json() | changes == changed.json()
    await library.take_back(lent)
    moved = await library.call("PATCH", f"/reservations/{reservation}", json={"pickup_branch": KOEGE})
    assert problem(moved) == (409, "reservation-is-ready")


async def test_an_interest_period_ends_with_its_last_day(library, lent):
    reservation = await library.queue(library.make_patron(), lent, expires_on=str(library.today))
    await library.pass_calendar()
    assert await library.events("ReservationExpired") == []
    library.clock.travel(DAY)
    await library.pass_calendar()
    [event] = await library.events("ReservationExpired")
    assert event["data"]["not_picked_up"] is False
    await nothing_left(library, reservation, lent)


async def test_what_is_not_fetched_goes_to_the_next(library, lent):
    first, second = library.make_patron(), library.make_patron()
    reservation = await library.queue(first, lent)
    await library.queue(second, lent)
    await library.take_back(lent)
    library.clock.travel(7 * DAY)
    await library.pass_calendar()
    assert await library.events("ReservationExpired") == []
    library.clock.travel(DAY)
    await library.pass_calendar()
    [event] = await library.events("ReservationExpired")
    assert event["data"]["not_picked_up"] is True
    [ready] = await library.reservations(second)
    assert (ready["state"], ready["pickup_deadline"]) == ("ready", str(library.today + 7 * DAY))
    await nothing_left(library, reservation, lent)


async def test_an_erased_patron_leaves_every_queue(library, lent):
    first, second = library.make_patron(), library.make_patron()
    reservation = await library.queue(first, lent)
    await library.queue(second, lent)
    await library.take_back(lent)
    await library.hear(PatronErased(patron_id=first))
    await nothing_left(library, reservation, lent)
    assert (await library.reservations(second))[0]["state"] == "ready"
