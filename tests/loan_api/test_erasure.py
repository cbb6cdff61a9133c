"""Loans go when they are due, not before, and are seen no more from that instant."""

import asyncio
from datetime import datetime, timedelta

import pytest

from glem.ids import new_id
from glem_contracts.events import PatronErased
from glem_contracts.events.envelope import Erasure
from loan_api.debts.erasure import redact

KOEGE, AALBORG = "DK-725900", "DK-785100"
DAY = timedelta(days=1)


async def returned_loan(library, patron=None, agency=KOEGE):
    patron, [item] = patron or library.make_patron(agency), await library.make_items(agency=agency)
    loan = await library.lend(patron, item, agency)
    await library.take_back(item, agency)
    return patron, loan["loan_id"]


async def stored(library, loan_id):
    return await library.runtime.database.fetchrow("SELECT * FROM loan WHERE loan_id = $1", loan_id)


async def test_what_is_due_is_seen_nowhere_before_its_row_goes(library, problem):
    patron, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY)
    assert await stored(library, loan_id) is not None
    assert await library.loans(patron) == []
    assert problem(await library.call("GET", f"/loans/{loan_id}")) == (410, "loan-gone")
    assert problem(await library.call("POST", f"/loans/{loan_id}/renewal")) == (410, "loan-gone")
    assert problem(await library.call("POST", f"/loans/{loan_id}/lost", json={"cause": "lost"})) == (410, "loan-gone")
    named = await library.call("POST", "/titles/resolve", "service", "*", json={"loan_ids": [loan_id]})
    assert named.json()["loans"] == []
    assert await library.overdue() == [loan_id]


async def test_a_disposal_erases_what_is_due_and_no_bystander(library):
    patron, due = await returned_loan(library)
    library.clock.travel(1 * DAY)
    _, young = await returned_loan(library, patron)
    [item] = await library.make_items()
    open_loan = (await library.lend(patron, item))["loan_id"]
    _, elsewhere = await returned_loan(library, agency=AALBORG)
    library.clock.travel(29 * DAY)
    await library.events()
    outcome = await library.dispose(due, young, open_loan, elsewhere, 4711)
    assert outcome["erased"] == [due]
    assert {refusal["record_id"]: refusal["reason"] for refusal in outcome["refused"]} == {
        young: "not-due",
        open_loan: "held",
    }
    assert sorted(outcome["gone"]) == sorted([elsewhere, 4711])
    assert await stored(library, due) is None
    for bystander in (young, open_loan, elsewhere):
        assert await stored(library, bystander) is not None
    [event] = await library.events()
    assert (event["type"], event["data"]["erased"]) == (
        "LoanErased",
        [Erasure(record_class="loan", record_ids=[due]).model_dump()],
    )


async def test_a_repeated_disposal_says_gone_and_tells_nobody(library):
    _, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    await library.events()
    assert await library.dispose(loan_id) == {"erased": [], "redacted": [], "gone": [loan_id], "refused": []}
    assert await library.events() == []


async def test_not_a_microsecond_early(library):
    _, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY - timedelta(microseconds=1_000_000))
    [refusal] = (await library.dispose(loan_id))["refused"]
    assert refusal["reason"] == "not-due"
    assert datetime.fromisoformat(refusal["anchor"]) == (await stored(library, loan_id))["anchor"]
    assert refusal["version"] == 1


async def test_h11_a_debt_raised_first_keeps_the_loan(library):
    patron, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY - timedelta(microseconds=100_000))
    assert (await library.charge(patron, 500, loan_id)).status_code == 201
    library.clock.travel(timedelta(seconds=1))
    [refusal] = (await library.dispose(loan_id))["refused"]
    assert (refusal["reason"], refusal["anchor"]) == ("held", None)
    assert refusal["version"] == 2
    assert await library.overdue() == []


async def test_h11_erased_first_refuses_the_debt(library, problem):
    patron, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY)
    await library.dispose(loan_id)
    assert problem(await library.charge(patron, 500, loan_id)) == (410, "loan-gone")


async def test_h12_a_debt_on_a_due_loan_is_refused_though_its_row_is_there(library, problem):
    patron, loan_id = await returned_loan(library)
    library.clock.travel(31 * DAY)
    assert problem(await library.charge(patron, 500, loan_id)) == (410, "loan-gone")


@pytest.mark.parametrize("round_number", range(5))
async def test_h11_debt_and_disposal_at_once_come_to_one_end(library, round_number):
    patron, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY - timedelta(milliseconds=1))

    async def charge():
        return await library.charge(patron, 500, loan_id)

    async def dispose():
        library.clock.travel(timedelta(milliseconds=2))
        return await library.dispose(loan_id)

    charged, outcome = await asyncio.gather(charge(), dispose())
    if charged.status_code == 201:
        assert outcome["erased"] == []
        assert await stored(library, loan_id) is not None
    else:
        assert charged.status_code == 410


async def test_a_debt_that_the_clock_does_not_know_of_is_seen_at_the_last_look(library):
    patron, loan_id = await returned_loan(library)
    await library.charge(patron, 500, loan_id)
    database = library.runtime.database
    await database.execute("UPDATE loan SET anchor = returned_at WHERE loan_id = $1", loan_id)
    library.clock.travel(30 * DAY)
    await library.events()
    [refusal] = (await library.dispose(loan_id))["refused"]
    assert (refusal["reason"], refusal["anchor"], refusal["version"]) == ("held", None, 3)
    [event] = await library.events()
    assert event["type"] == "LoanClockMoved"
    assert await library.overdue() == []


async def test_a_clock_that_is_held_though_nothing_holds_the_loan_is_set_right_and_the_loan_goes(library):
    """The audit finds such a loan, so an order for it must come to an end."""
    _, loan_id = await returned_loan(library)
    lent = (await library.lend(library.make_patron(), *await library.make_items()))["loan_id"]
    await library.runtime.database.execute("UPDATE loan SET anchor = NULL WHERE loan_id = $1", loan_id)
    library.clock.travel(30 * DAY)
    await library.events()
    refused = {refusal["record_id"]: refusal for refusal in (await library.dispose(loan_id, lent))["refused"]}
    assert (refused[loan_id]["reason"], refused[loan_id]["version"]) == ("not-due", 2)
    assert datetime.fromisoformat(refused[loan_id]["anchor"]) == (await stored(library, loan_id))["returned_at"]
    assert (refused[lent]["reason"], refused[lent]["anchor"]) == ("held", None)
    [event] = await library.events()
    assert [clock["record_id"] for clock in event["data"]["clocks"]] == [loan_id]
    assert (await library.dispose(loan_id, lent))["erased"] == [loan_id]


async def test_a_clock_that_forgot_how_long_a_debt_was_open_is_set_right_first(library):
    """By the facts the loan was held when its clock called it due, though the debt was settled long ago."""
    patron, loan_id = await returned_loan(library)
    await library.charge(patron, 500, loan_id)
    database = library.runtime.database
    await database.execute("UPDATE loan SET anchor = returned_at WHERE loan_id = $1", loan_id)
    library.clock.travel(31 * DAY)
    await library.pay(patron, 500)
    settled_at = library.clock.now()
    library.clock.travel(30 * DAY)
    [refusal] = (await library.dispose(loan_id))["refused"]
    assert (refusal["reason"], datetime.fromisoformat(refusal["anchor"])) == ("not-due", settled_at)
    assert (await library.dispose(loan_id))["erased"] == [loan_id]


async def test_the_audit_reads_the_facts_and_not_the_clock(library):
    _, loan_id = await returned_loan(library)
    await library.runtime.database.execute("UPDATE loan SET anchor = NULL WHERE loan_id = $1", loan_id)
    library.clock.travel(30 * DAY)
    assert await library.overdue() == [loan_id]


async def test_h23_a_debt_holds_its_own_loan_alone(library):
    patron, other = await returned_loan(library)
    _, owed_for = await returned_loan(library, patron)
    await library.charge(patron, 500, owed_for)
    library.clock.travel(30 * DAY)
    outcome = await library.dispose(other, owed_for)
    assert outcome["erased"] == [other]
    assert [refusal["record_id"] for refusal in outcome["refused"]] == [owed_for]


async def test_h24_or_all_where_the_agency_reads_it_so(library):
    patron, other = await returned_loan(library, agency=AALBORG)
    await library.charge(patron, 500, agency=AALBORG)
    library.clock.travel(30 * DAY)
    assert (await library.dispose(other, agency=AALBORG))["erased"] == []
    assert await library.overdue(AALBORG) == []
    await library.pay(patron, 500, AALBORG)
    library.clock.travel(30 * DAY)
    assert (await library.dispose(other, agency=AALBORG))["erased"] == [other]


async def test_a_loan_that_somebody_works_on_is_left_for_the_next_time(library):
    _, loan_id = await returned_loan(library)
    library.clock.travel(30 * DAY)
    async with library.runtime.database.transaction() as tx:
        await tx.execute("SELECT FROM loan WHERE loan_id = $1 FOR UPDATE", loan_id)
        [refusal] = (await library.dispose(loan_id))["refused"]
    assert refusal["reason"] == "locked"
    assert (await library.dispose(loan_id))["erased"] == [loan_id]


async def test_h38_an_erased_patron_takes_the_closed_loans_along(library):
    patron, loan_id = await returned_loan(library)
    _, bystander = await returned_loan(library)
    await library.events()
    event = PatronErased(patron_id=patron)
    await library.hear(event)
    await library.hear(event)
    assert await stored(library, loan_id) is None
    assert await stored(library, bystander) is not None
    assert [event["data"]["erased"][0]["record_ids"] for event in await library.events("LoanErased")] == [[loan_id]]
    row = await library.runtime.database.fetchrow("SELECT * FROM borrower WHERE patron_id = $1", patron)
    assert (row["erased"], row["patron_group"], row["home_branch"], row["age_band"]) == (True, None, None, None)


async def test_only_the_worker_may_dispose(library, problem):
    order = {"disposal_id": new_id(), "agency": KOEGE, "record_class": "loan", "record_ids": [1]}
    assert problem(await library.call("POST", "/disposals", json=order)) == (403, "missing-scope")


async def test_h107_a_forged_end_of_a_patron_takes_nothing(library):
    patron, loan_id = await returned_loan(library)
    await library.events()
    await library.forge(PatronErased(patron_id=patron))
    assert await stored(library, loan_id) is not None
    assert await library.events("LoanErased") == []
    assert library.runtime.metrics.dead_letters._value.get() == 1
    assert len(await library.loans(patron)) == 1


async def test_a_loan_is_not_overdue_before_its_anchor_though_the_debt_went_first(library):
    """Where debts are kept for a shorter time than loans, the loan alone remembers the settlement."""
    patron, loan_id = await returned_loan(library)
    debt = (await library.charge(patron, 2000, loan_id)).json()
    library.clock.travel(10 * DAY)
    assert (await library.pay(patron, 2000)).status_code < 300
    async with library.runtime.database.transaction() as tx:
        await redact(tx, [debt["debt_id"]])
    library.clock.travel(25 * DAY)
    assert await library.overdue() == []
    library.clock.travel(5 * DAY)
    assert await library.overdue() == [loan_id]
    assert (await library.dispose(loan_id))["erased"] == [loan_id]


@pytest.mark.parametrize("reversed_payment", [False, True])
async def test_h12_what_is_owed_later_brings_no_loan_back_that_was_due(library, reversed_payment):
    """Where a debt holds all loans of its patron, one of another loan must not revive what nobody could see any more."""
    patron, due = await returned_loan(library, agency=AALBORG)
    order = {"order_id": "o1", "patron_id": patron, "amount": 500}
    if reversed_payment:
        await library.charge(patron, 500, agency=AALBORG)
        assert (await library.call("POST", "/payments", agency=AALBORG, json=order)).status_code < 300
    library.clock.travel(20 * DAY)
    if reversed_payment:
        # By now the debt's own period would end with the loan's; it was settled again since.
        await library.runtime.database.execute("UPDATE debt SET settled_at = settled_at + interval '5 days'")
    library.clock.travel(10 * DAY)
    assert await library.loans(patron, AALBORG) == []
    if reversed_payment:
        answer = await library.call("POST", "/payments/o1/reversal", agency=AALBORG)
    else:
        answer = await library.charge(patron, 500, agency=AALBORG)
    assert answer.status_code < 300, answer.text
    assert await library.overdue(AALBORG) == [due]
    assert (await library.dispose(due, agency=AALBORG))["erased"] == [due]


async def test_a_loss_that_costs_nothing_is_still_held_by_an_older_debt(library):
    patron, [item] = library.make_patron(), await library.make_items()
    loan_id = (await library.lend(patron, item))["loan_id"]
    await library.charge(patron, 500, loan_id)
    answer = await library.call("POST", f"/loans/{loan_id}/lost", json={"cause": "lost", "price": 0})
    assert answer.status_code < 300, answer.text
    assert (await stored(library, loan_id))["anchor"] is None
    library.clock.travel(31 * DAY)
    assert [loan["loan_id"] for loan in await library.loans(patron)] == [loan_id]
    assert (await library.dispose(loan_id))["refused"][0]["reason"] == "held"
