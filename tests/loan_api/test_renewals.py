"""Renewals, and why not; each "no" with FBS' name."""

from datetime import timedelta

import pytest

KOEGE, AALBORG = "DK-725900", "DK-785100"


@pytest.fixture
async def lent(library):
    patron, [item] = library.make_patron(), await library.make_items()
    loan = await library.lend(patron, item)
    library.clock.travel(timedelta(days=10))
    return patron, item, loan["loan_id"]


async def test_a_patron_renews(library, lent):
    patron, _item, loan_id = lent
    answer = await library.as_patron(patron, "POST", f"/loans/{loan_id}/renewal")
    assert answer.status_code == 200, answer.text
    assert answer.json()["due_on"] == str(library.today + timedelta(days=28))
    assert answer.json()["renewals"] == 1
    [event] = await library.events("LoanRenewed")
    assert event["data"]["renewals"] == 1


async def refused(library, loan_id):
    answer = await library.call("POST", f"/loans/{loan_id}/renewal")
    assert answer.status_code == 409, answer.text
    shown = (await library.call("GET", f"/loans/{loan_id}")).json()
    assert shown["renewal"] == answer.json()["fbs"]
    return answer.json()["type"].removeprefix("urn:glem:problem:"), answer.json()["fbs"]


async def test_not_when_reserved(library, lent):
    _patron, item, loan_id = lent
    await library.queue(library.make_patron(), item)
    assert await refused(library, loan_id) == ("denied-reserved", "deniedReserved")


async def test_not_more_often_than_the_group_may(library, lent):
    _patron, _item, loan_id = lent
    for _ in range(library.app.state.lending[KOEGE].groups["adult"].renewals):
        assert (await library.call("POST", f"/loans/{loan_id}/renewal")).status_code == 200
        library.clock.travel(timedelta(days=5))
    assert await refused(library, loan_id) == ("denied-max-renewals-reached", "deniedMaxRenewalsReached")


async def test_not_when_blocked(library, lent):
    patron, _item, loan_id = lent
    await library.charge(patron, library.app.state.lending[KOEGE].debt_limit)
    assert await refused(library, loan_id) == ("denied-loaner-is-blocked", "deniedLoanerIsBlocked")


async def test_not_without_gain_nor_when_overdue_nor_after_the_return(library, lent):
    _patron, item, loan_id = lent
    assert (await library.call("POST", f"/loans/{loan_id}/renewal")).status_code == 200
    assert await refused(library, loan_id) == ("denied-no-gain", "deniedOtherReason")
    library.clock.travel(timedelta(days=29))
    assert await refused(library, loan_id) == ("denied-overdue", "deniedOtherReason")
    await library.take_back(item)
    assert await refused(library, loan_id) == ("loan-closed", "deniedOtherReason")


async def test_nobody_elses_loan(library, lent, problem):
    _patron, _item, loan_id = lent
    other = library.make_patron()
    assert problem(await library.as_patron(other, "POST", f"/loans/{loan_id}/renewal")) == (403, "missing-scope")
    assert problem(await library.as_patron(other, "GET", f"/loans/{loan_id}")) == (403, "missing-scope")
    assert problem(await library.call("POST", f"/loans/{loan_id}/renewal", agency=AALBORG)) == (403, "wrong-agency")
    assert problem(await library.call("POST", "/loans/4711/renewal")) == (410, "loan-gone")


async def test_a_patron_sees_their_own_loans(library, lent, problem):
    patron, _item, loan_id = lent
    mine = await library.as_patron(patron, "GET", "/patrons/me/loans")
    assert [loan["loan_id"] for loan in mine.json()] == [loan_id]
    other = library.make_patron()
    assert problem(await library.as_patron(other, "GET", f"/patrons/{patron}/loans")) == (403, "missing-scope")
    assert problem(await library.call("GET", f"/patrons/{patron}/loans", agency=AALBORG)) == (403, "wrong-agency")
    assert problem(await library.call("GET", "/patrons/me/loans")) == (403, "missing-scope")
