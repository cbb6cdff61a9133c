"""A patron says that an item is back, and the library cannot find it (H21)."""

import pytest

from .conftest import DAY, KOEGE, Library


async def claimed(library: Library) -> tuple[int, str, dict]:
    patron_id = library.make_patron()
    [item] = await library.make_items()
    loan = await library.lend(patron_id, item)
    assert (await library.call("POST", f"/loans/{loan['loan_id']}/claim")).status_code == 200
    return patron_id, item, loan


async def settle(library: Library, loan: dict, how: str) -> dict:
    answer = await library.call("POST", f"/loans/{loan['loan_id']}/claim/{how}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_h21_a_claimed_loan_stays_open_and_nobody_is_reminded_of_it(library: Library):
    patron_id, _, loan = await claimed(library)
    other = await library.lend(library.make_patron(), (await library.make_items())[0])
    library.clock.travel(60 * DAY)
    await library.events()
    await library.pass_calendar()
    told = [loan_id for event in await library.events("LoanOverdue") for loan_id in event["data"]["loan_ids"]]
    assert told == [other["loan_id"]]
    assert await library.dispose(loan["loan_id"]) | {"refused": []} == {
        "erased": [],
        "redacted": [],
        "gone": [],
        "refused": [],
    }
    assert await library.overdue() == []
    [shown] = await library.loans(patron_id)
    assert shown["returned_at"] is None


async def test_h21_accepting_the_claim_is_the_return(library: Library):
    patron_id, item, loan = await claimed(library)
    library.clock.travel(60 * DAY)
    await library.events()
    accepted = await settle(library, loan, "acceptance")
    [returned] = await library.events("LoanReturned")
    [clock] = returned["data"]["clocks"]
    assert clock["anchor"] == returned["data"]["returned_at"]
    assert accepted["claimed_at"] is None
    account = (await library.call("GET", f"/patrons/{patron_id}/debts")).json()
    assert (account["balance"], account["debts"]) == (0, [])
    assert await library.item_state(item) == "lost"

    library.clock.travel(30 * DAY - DAY / 24)
    assert (await library.dispose(loan["loan_id"]))["erased"] == []
    library.clock.travel(DAY / 12)
    assert await library.overdue() == [loan["loan_id"]]
    assert (await library.dispose(loan["loan_id"]))["erased"] == [loan["loan_id"]]


async def test_an_accepted_claim_waits_for_the_debts_of_its_loan(library: Library):
    patron_id, _, loan = await claimed(library)
    assert (await library.charge(patron_id, 5000, loan["loan_id"])).status_code == 201
    await library.events()
    await settle(library, loan, "acceptance")
    [returned] = await library.events("LoanReturned")
    assert [clock["anchor"] for clock in returned["data"]["clocks"]] == [None]
    library.clock.travel(5 * DAY)
    assert (await library.pay(patron_id, 5000)).status_code == 201
    library.clock.travel(29 * DAY)
    assert await library.overdue() == []
    library.clock.travel(2 * DAY)
    assert await library.overdue() == [loan["loan_id"]]


async def test_h21_a_rejected_claim_leaves_the_loan_as_it_was(library: Library):
    patron_id, item, loan = await claimed(library)
    await settle(library, loan, "rejection")
    library.clock.travel(60 * DAY)
    await library.events()
    await library.pass_calendar()
    assert [event["data"]["loan_ids"] for event in await library.events("LoanOverdue")] == [[loan["loan_id"]]]
    assert len((await library.take_back(item))["debts"]) == 1
    assert (await library.call("GET", f"/patrons/{patron_id}/debts")).json()["balance"] > 0


async def test_an_item_that_turns_up_is_checked_in_and_the_claim_is_over(library: Library, problem):
    _, item, loan = await claimed(library)
    await library.take_back(item)
    for path in ("claim", "claim/acceptance", "claim/rejection"):
        answer = await library.call("POST", f"/loans/{loan['loan_id']}/{path}")
        assert problem(answer) == (409, "loan-closed")


@pytest.mark.parametrize("how", ["acceptance", "rejection"])
async def test_what_nobody_claimed_is_not_settled(library: Library, problem, how: str):
    loan = await library.lend(library.make_patron(), (await library.make_items())[0])
    assert problem(await library.call("POST", f"/loans/{loan['loan_id']}/claim/{how}")) == (409, "no-claim")


async def test_a_claim_is_made_once_and_at_its_own_library(library: Library, problem):
    _, _, loan = await claimed(library)
    first = (await library.call("POST", f"/loans/{loan['loan_id']}/claim")).json()
    library.clock.travel(DAY)
    assert (await library.call("POST", f"/loans/{loan['loan_id']}/claim")).json() == first
    away = await library.call("POST", f"/loans/{loan['loan_id']}/claim", agency="DK-767100")
    assert problem(away) == (403, "wrong-agency")
    assert problem(await library.call("POST", "/loans/4711/claim", agency=KOEGE)) == (410, "loan-gone")
