"""Checking in, undoing it, and items that are given up."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

KOEGE, AALBORG, RANDERS, STRUER = "DK-725900", "DK-785100", "DK-773000", "DK-767100"
DAY = timedelta(days=1)


@pytest.fixture
async def lent(library):
    """A loan of a month ago, and its item."""
    patron, [item] = library.make_patron(), await library.make_items()
    return patron, item, (await library.lend(patron, item))["loan_id"]


async def test_a_return_ends_the_loan_and_starts_its_clock(library, lent):
    _patron, item, loan_id = lent
    library.clock.travel(3 * DAY)
    returned = await library.take_back(item, receipt=True)
    assert returned["loan"]["loan_id"] == loan_id
    assert (returned["debts"], returned["reservation"]) == ([], None)
    assert await library.item_state(item) == "available"
    [event] = await library.events("LoanReturned")
    now = library.clock.now()
    [clock] = event["data"]["clocks"]
    assert datetime.fromisoformat(clock["anchor"]) == now
    assert (clock["record_id"], clock["version"]) == (loan_id, 1)
    assert (event["data"]["late"], event["data"]["receipt"]) == (False, True)


async def test_h5_an_offline_automat_tells_of_an_old_return(library, lent, problem):
    _patron, item, _loan_id = lent
    library.clock.travel(6 * DAY)
    then = library.clock.now() - 5 * DAY
    await library.take_back(item, returned_at=then.isoformat())
    [event] = await library.events("LoanReturned")
    assert datetime.fromisoformat(event["data"]["clocks"][0]["anchor"]) == then


@pytest.mark.parametrize("wrong", [timedelta(minutes=6), -timedelta(days=1)])
async def test_h5_a_return_in_the_future_or_before_the_loan_is_refused(library, lent, problem, wrong):
    _patron, item, _loan_id = lent
    at = library.clock.now() + wrong
    assert problem(await library.check_in(item, returned_at=at.isoformat())) == (422, "impossible-time")
    assert await library.item_state(item) == "on-loan"


async def test_h58_a_date_means_the_end_of_that_danish_day(library, lent):
    _patron, item, _loan_id = lent
    library.clock.travel(5 * DAY)
    returned = await library.take_back(item, returned_at="2027-03-03")
    assert datetime.fromisoformat(returned["loan"]["returned_at"]) == datetime(2027, 3, 3, 22, 59, 59, 999_999, UTC)


async def test_h58_but_never_a_time_to_come(library, lent, problem):
    _patron, item, _loan_id = lent
    assert problem(await library.check_in(item, returned_at="2027-03-02")) == (422, "impossible-time")
    returned = await library.take_back(item, returned_at="2027-03-01")
    assert datetime.fromisoformat(returned["loan"]["returned_at"]) == library.clock.now()


async def test_h55_thirty_days_are_exactly_thirty_days_over_the_end_of_summer_time(library):
    library.clock.freeze(datetime(2027, 9, 30, 22, tzinfo=UTC))
    patron, [item] = library.make_patron(), await library.make_items()
    loan_id = (await library.lend(patron, item))["loan_id"]
    library.clock.freeze(datetime(2027, 10, 1, 0, 30, tzinfo=UTC))
    await library.take_back(item)
    library.clock.freeze(datetime(2027, 10, 31, 0, 29, 59, 999999, tzinfo=UTC))
    assert [loan["loan_id"] for loan in await library.loans(patron)] == [loan_id]
    library.clock.freeze(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    assert await library.loans(patron) == []


async def test_a_retried_return_is_answered_alike(library, lent, problem):
    patron, item, _loan_id = lent
    library.clock.travel(40 * DAY)
    first = await library.take_back(item, key="a-1")
    again = await library.take_back(item, key="a-1")
    assert [debt["debt_id"] for debt in first["debts"]] == [debt["debt_id"] for debt in again["debts"]] != []
    assert first["loan"] == again["loan"]
    await library.pay(patron, first["debts"][0]["balance"])
    other = library.make_patron()
    await library.lend(other, item)
    assert (await library.take_back(item, key="a-1"))["loan"]["patron_id"] == patron
    assert await library.item_state(item) == "on-loan"
    assert problem(await library.check_in(item, key="x" * 101)) == (422, "malformed")


async def test_parallel_returns_end_one_loan(library, lent, problem):
    _patron, item, _loan_id = lent
    library.clock.travel(40 * DAY)
    answers = await asyncio.gather(*(library.check_in(item) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(await library.events("DebtRaised")) == 1


async def test_what_is_not_lent_cannot_be_returned(library, problem):
    [item] = await library.make_items()
    assert problem(await library.check_in(item)) == (409, "not-on-loan")
    assert problem(await library.check_in("4711")) == (404, "unknown-item")
    assert problem(await library.check_in(item, branch="DK-999999")) == (422, "unknown-branch")


async def test_a_late_return_costs_and_holds_the_loan(library, lent):
    patron, item, loan_id = lent
    library.clock.travel(31 * DAY)
    returned = await library.take_back(item)
    fee = library.app.state.lending[KOEGE].fees.adult[0].amount
    assert [(debt["kind"], debt["balance"]) for debt in returned["debts"]] == [("fee", fee)]
    clocks = {
        clock["version"]: clock["anchor"]
        for event in await library.events()
        for clock in event["data"]["clocks"]
        if clock["record_class"] == "loan"
    }
    assert clocks[max(clocks)] is None
    library.clock.travel(60 * DAY)
    assert [loan["loan_id"] for loan in await library.loans(patron)] == [loan_id]
    await library.pay(patron, fee)
    library.clock.travel(30 * DAY - timedelta(microseconds=1))
    assert [loan["loan_id"] for loan in await library.loans(patron)] == [loan_id]
    library.clock.travel(timedelta(microseconds=1))
    assert await library.loans(patron) == []


async def test_the_due_date_itself_is_in_time(library, lent):
    _patron, item, _loan_id = lent
    library.clock.freeze(datetime(2027, 3, 29, 21, 59, tzinfo=UTC))
    assert (await library.take_back(item))["debts"] == []


async def test_h14_a_wrong_return_is_undone(library, lent):
    patron, item, loan_id = lent
    library.clock.travel(31 * DAY)
    assert (await library.take_back(item))["debts"] != []
    library.clock.travel(3 * DAY)
    answer = await library.call("POST", f"/loans/{loan_id}/undo-return")
    assert (answer.status_code, answer.json()["returned_at"]) == (200, None)
    assert await library.item_state(item) == "on-loan"
    [event] = await library.events("ReturnUndone")
    assert event["data"]["clocks"][0]["anchor"] is None
    account = (await library.call("GET", f"/patrons/{patron}/debts")).json()
    assert account["balance"] == 0
    library.clock.travel(100 * DAY)
    assert len(await library.loans(patron)) == 1
    assert (await library.take_back(item))["debts"] != []


async def test_h14_not_after_thirty_days(library, lent, problem):
    _patron, item, loan_id = lent
    await library.take_back(item)
    library.clock.travel(30 * DAY)
    assert problem(await library.call("POST", f"/loans/{loan_id}/undo-return")) == (410, "loan-gone")


async def test_h14_not_when_the_item_is_lent_again_or_the_fee_is_paid(library, lent, problem):
    patron, item, loan_id = lent
    assert problem(await library.call("POST", f"/loans/{loan_id}/undo-return")) == (409, "loan-open")
    library.clock.travel(31 * DAY)
    [debt] = (await library.take_back(item))["debts"]
    await library.pay(patron, debt["balance"])
    assert problem(await library.call("POST", f"/loans/{loan_id}/undo-return")) == (409, "fee-paid")
    await library.lend(library.make_patron(), item)
    assert problem(await library.call("POST", f"/loans/{loan_id}/undo-return")) == (409, "lent-again")


async def test_undoing_takes_the_item_from_the_shelf(library, lent):
    _patron, item, loan_id = lent
    waiting = library.make_patron()
    await library.queue(waiting, item)
    await library.take_back(item)
    assert (await library.reservations(waiting))[0]["state"] == "ready"
    assert (await library.call("POST", f"/loans/{loan_id}/undo-return")).status_code == 200
    [reservation] = await library.reservations(waiting)
    assert (reservation["state"], reservation["position"], reservation["pickup_deadline"]) == ("queued", 1, None)


async def test_a_lost_item_is_paid_for_and_found_again(library, lent):
    patron, item, loan_id = lent
    answer = await library.call("POST", f"/loans/{loan_id}/lost", json={"cause": "lost", "price": 19900})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["loan"]["closed_as"], answer.json()["debt"]["balance"]) == ("lost", 19900)
    library.clock.travel(200 * DAY)
    assert len(await library.loans(patron)) == 1
    found = await library.take_back(item)
    assert found["loan"]["loan_id"] == loan_id
    assert await library.item_state(item) == "available"
    assert (await library.call("GET", f"/patrons/{patron}/debts")).json()["balance"] == 0
    library.clock.travel(30 * DAY)
    assert await library.loans(patron) == []


async def test_a_damaged_item_leaves_lending(library, lent, problem):
    _patron, item, loan_id = lent
    answer = await library.call("POST", f"/loans/{loan_id}/lost", json={"cause": "damaged"})
    assert answer.json()["debt"]["amount"] == 20000
    assert await library.item_state(item) == "withdrawn"
    assert problem(await library.call("POST", f"/loans/{loan_id}/lost", json={"cause": "lost"})) == (409, "loan-closed")
    assert problem(await library.check_in(item)) == (409, "not-on-loan")


async def test_h24_in_an_agency_of_the_wide_reading_any_debt_holds_all_loans(library):
    patron, [item] = library.make_patron(AALBORG), await library.make_items(agency=AALBORG)
    await library.charge(patron, 1000, agency=AALBORG)
    loan = await library.lend(patron, item, AALBORG)
    await library.take_back(item, AALBORG)
    library.clock.travel(60 * DAY)
    assert [held["loan_id"] for held in await library.loans(patron, AALBORG)] == [loan["loan_id"]]
    await library.pay(patron, 1000, AALBORG)
    library.clock.travel(30 * DAY)
    assert await library.loans(patron, AALBORG) == []
