"""Checking out: one loan, on the right terms, or a "no" with a name."""

import asyncio
from datetime import timedelta

import pytest

from glem_contracts.events import PatronBlocked, PatronErased

KOEGE, AALBORG, RANDERS, STRUER = "DK-725900", "DK-785100", "DK-773000", "DK-767100"


async def test_an_item_is_lent_for_the_period_of_the_group(library):
    patron, [item] = library.make_patron(), await library.make_items()
    loan = await library.lend(patron, item, receipt=True)
    assert loan["due_on"] == str(library.today + timedelta(days=28))
    assert (loan["title"], loan["item"], loan["renewals"]) == ("Kongens Fald", item, 0)
    assert await library.item_state(item) == "on-loan"
    [event] = await library.events("LoanOpened")
    assert event["subject"] == str(loan["loan_id"])
    assert event["data"]["receipt"]
    assert item not in str(event)


async def test_the_day_is_the_danish_one(library):
    library.clock.freeze(library.clock.now().replace(hour=23, minute=30))
    patron, [item] = library.make_patron(), await library.make_items()
    loan = await library.lend(patron, item)
    assert loan["due_on"] == "2027-03-30"


async def test_asking_again_gives_the_same_loan(library):
    patron, [item] = library.make_patron(), await library.make_items()
    first = await library.lend(patron, item)
    again = await library.check_out(patron, item)
    assert again.status_code == 200
    assert again.json()["loan_id"] == first["loan_id"]
    assert len(await library.events("LoanOpened")) == 1


async def test_parallel_requests_make_one_loan(library):
    patron, [item] = library.make_patron(), await library.make_items()
    answers = await asyncio.gather(*(library.check_out(patron, item) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["loan_id"] for answer in answers}) == 1
    assert await library.runtime.database.fetchval("SELECT count(*) FROM loan") == 1


async def test_of_many_patrons_one_gets_the_item(library, problem):
    patrons, [item] = [library.make_patron() for _ in range(6)], await library.make_items()
    answers = await asyncio.gather(*(library.check_out(patron, item) for patron in patrons))
    taken = [answer for answer in answers if answer.status_code == 201]
    assert len(taken) == 1
    assert {problem(answer) for answer in answers if answer not in taken} == {(409, "item-on-loan")}


async def test_parallel_requests_do_not_pass_the_limit(library, problem):
    patron = library.make_patron(RANDERS, patron_group="child", age_band=0)
    limit = library.app.state.lending[RANDERS].groups["child"].max_loans
    items = await library.make_items(limit + 3, RANDERS)
    for item in items[: limit - 2]:
        await library.lend(patron, item, RANDERS)
    answers = await asyncio.gather(*(library.check_out(patron, item, RANDERS) for item in items[limit - 2 :]))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {problem(answer) for answer in refused} == {(409, "too-many-loans")}


async def test_an_offline_automat_may_tell_late_and_twice(library):
    patron, [item] = library.make_patron(), await library.make_items()
    begun = library.clock.now() - timedelta(days=5)
    loan = await library.lend(patron, item, checked_out_at=begun.isoformat())
    assert loan["due_on"] == str(library.today + timedelta(days=23))
    await library.take_back(item)
    again = await library.check_out(patron, item, checked_out_at=begun.isoformat())
    assert (again.status_code, again.json()["loan_id"]) == (200, loan["loan_id"])


async def test_no_loan_begins_in_the_future(library, problem):
    patron, [item] = library.make_patron(), await library.make_items()
    soon = library.clock.now() + timedelta(minutes=6)
    assert problem(await library.check_out(patron, item, checked_out_at=soon.isoformat())) == (422, "impossible-time")


@pytest.mark.parametrize(
    ("fields", "work", "refusal"),
    [
        ({"blocks": ["O"]}, {}, "patron-blocked"),
        ({"patron_group": "unheard-of"}, {}, "unknown-patron-group"),
        ({"age_band": 11}, {"age_limit": 15}, "age-limit"),
    ],
)
async def test_who_may_not_borrow(library, problem, fields, work, refusal):
    patron, [item] = library.make_patron(**fields), await library.make_items(**work)
    assert problem(await library.check_out(patron, item)) == (409, refusal)
    assert await library.item_state(item) == "available"
    assert await library.events("LoanOpened") == []


async def test_struer_keeps_no_age_limits(library):
    patron, [item] = library.make_patron(STRUER, age_band=0), await library.make_items(agency=STRUER, age_limit=15)
    await library.lend(patron, item, STRUER)


async def test_what_a_group_may_not_borrow(library, problem):
    agency, group = next(
        (isil, name)
        for isil, rules in library.app.state.lending.items()
        for name, group in rules.groups.items()
        if not group.lends("board-game-x")
    )
    patron, [item] = (
        library.make_patron(agency, patron_group=group),
        await library.make_items(agency=agency, type="board-game-x"),
    )
    assert problem(await library.check_out(patron, item, agency)) == (409, "not-for-group")


async def test_a_debt_at_the_limit_blocks_until_it_is_paid(library, problem):
    patron, [item] = library.make_patron(), await library.make_items()
    limit = library.app.state.lending[KOEGE].debt_limit
    assert (await library.charge(patron, limit)).status_code == 201
    assert problem(await library.check_out(patron, item)) == (409, "debt-limit")
    await library.pay(patron, 100)
    await library.hear(PatronBlocked(**_snapshot(library, patron, blocks=["E"], version=2)))
    await library.lend(patron, item)


async def test_unknown_patrons_items_and_branches(library, problem):
    patron, [item] = library.make_patron(), await library.make_items()
    assert problem(await library.check_out(4711, item)) == (404, "unknown-patron")
    assert problem(await library.check_out(patron, "4711")) == (404, "unknown-item")
    assert problem(await library.check_out(patron, item, branch="DK-999999")) == (422, "unknown-branch")
    assert problem(await library.check_out(2**60, item)) == (422, "malformed")
    assert problem(await library.check_out(patron, "a\x00b")) == (422, "malformed")


async def test_another_librarys_patron_and_item(library, problem):
    stranger, [item] = library.make_patron(AALBORG), await library.make_items()
    assert problem(await library.check_out(stranger, item)) == (403, "wrong-agency")
    patron = library.make_patron()
    assert problem(await library.check_out(patron, item, AALBORG)) in {(403, "wrong-agency"), (404, "unknown-item")}


async def test_an_erased_patron_borrows_nothing(library, problem):
    patron, [first, second] = library.make_patron(), await library.make_items(2)
    await library.lend(patron, first)
    await library.take_back(first)
    await library.hear(PatronErased(patron_id=patron))
    assert problem(await library.check_out(patron, second)) == (404, "unknown-patron")


async def test_lost_and_withdrawn_items(library, problem):
    patron, other, [item] = library.make_patron(), library.make_patron(), await library.make_items()
    loan = await library.lend(patron, item)
    await library.call("POST", f"/loans/{loan['loan_id']}/lost", json={"cause": "lost"})
    assert problem(await library.check_out(other, item)) == (409, "item-lost")
    line = {"barcode": item, "record_id": await library.work_of(item), "branch": KOEGE, "withdrawn": True}
    await library.put("items", [line])
    assert problem(await library.check_out(other, item)) == (409, "item-withdrawn")


async def test_a_refusal_is_told_in_danish_or_english(library):
    patron, [item] = library.make_patron(blocks=["U"]), await library.make_items()
    danish = await library.check_out(patron, item)
    english = await library.call(
        "POST", "/loans", json={"patron_id": patron, "item": item}, headers={"accept-language": "en"}
    )
    assert danish.json()["detail"].startswith("Låneren er blokeret")
    assert english.json()["detail"].startswith("The patron is blocked")


def _snapshot(library, patron, **changes):
    known = library.snapshots[patron] | changes
    return {name: value for name, value in known.items() if name != "agency"}
