"""Debts as a librarian and a patron meet them, and what they do to the clocks of loans."""

from datetime import date, timedelta

import httpx

from tests.loan_api_debts.conftest import DAY, KOEGE, RANDERS, START, STRUER, Library

TODAY = START.date()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:glem:problem:")


async def test_a_return_in_time_costs_nothing(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY)
    raised = await library.check_in(loan)
    assert (raised.debts, raised.holds) == ([], False)
    assert await library.anchor(loan) == START


async def test_h10_a_fee_on_day_29_stops_the_clock_until_it_is_settled(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(29 * DAY)
    assert (await library.raise_debt(patron, 5000, loan, cause="damaged")).status_code == 201
    assert await library.anchor(loan) is None
    settled_at = library.travel(5 * DAY)
    await library.pay(patron, 5000)
    assert await library.anchor(loan) == settled_at
    raised, _, settled = (await library.events())[-3:]
    assert [raised["type"], settled["type"]] == ["DebtRaised", "DebtSettled"]
    loan_clocks = [clock for clock in raised["data"]["clocks"] if clock["record_class"] == "loan"]
    assert [(clock["record_id"], clock["anchor"]) for clock in loan_clocks] == [(loan, None)]


async def test_h12_a_fee_on_day_31_is_refused_even_before_the_sweep(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(30 * DAY)
    assert problem(await library.raise_debt(patron, 5000, loan)) == (410, "loan-gone")
    assert problem(await library.raise_debt(patron, 5000, 4711)) == (410, "loan-gone")
    assert (await library.account(patron))["debts"] == []
    assert await library.anchor(loan) == START


async def test_h17_a_waiver_settles_at_that_instant(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    debt_id = (await library.raise_debt(patron, 12000, loan)).json()["debt_id"]
    assert (await library.waive(debt_id, STRUER, 2000)).json()["balance"] == 10000
    assert (await library.events())[-1]["type"] == "DebtWaived"
    assert await library.anchor(loan) is None
    library.travel(3 * DAY)
    assert (await library.waive(debt_id, STRUER)).json()["balance"] == 0
    assert await library.anchor(loan) == START + 3 * DAY
    settled = (await library.events())[-1]
    assert (settled["type"], settled["data"]["how"]) == ("DebtSettled", "waived")
    assert problem(await library.waive(debt_id, STRUER)) == (409, "waiver-over-debt")


async def test_h23_a_debt_holds_its_own_loan_only(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    owed, other = await library.make_loan(patron, due_on=TODAY - DAY), await library.make_loan(patron)
    await library.check_in(other)
    await library.check_in(owed)
    assert (await library.anchor(owed), await library.anchor(other)) == (None, START)


async def test_h24_where_any_debt_counts_it_holds_all_loans(library: Library) -> None:
    patron = await library.make_patron(RANDERS)
    owed, other = await library.make_loan(patron, due_on=TODAY - DAY), await library.make_loan(patron)
    await library.check_in(other)
    [fee] = (await library.check_in(owed)).debts
    assert (await library.anchor(owed), await library.anchor(other)) == (None, None)
    third = await library.make_loan(patron)
    assert (await library.check_in(third)).holds
    assert await library.anchor(third) is None
    paid_at = library.travel(5 * DAY)
    await library.pay(patron, fee.amount)
    assert {await library.anchor(loan) for loan in (owed, other, third)} == {paid_at}


async def test_h24_a_loan_that_is_due_is_not_brought_back_by_a_debt(library: Library) -> None:
    patron = await library.make_patron(RANDERS)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(30 * DAY)
    await library.raise_debt(patron, 1000)
    assert await library.anchor(loan) == START


async def test_h25_one_fee_for_what_was_due_and_returned_together(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    first, second = [await library.make_loan(patron, due_on=TODAY - DAY) for _ in range(2)]
    other_date = await library.make_loan(patron, due_on=TODAY - 2 * DAY)
    [fee] = (await library.check_in(first)).debts
    library.travel(timedelta(hours=2))
    together = await library.check_in(second)
    assert (together.debts, together.holds) == ([], True)
    assert len((await library.check_in(other_date)).debts) == 1
    assert await library.count("debt_material", fee.debt_id) == 2
    assert await library.anchor(second) is None
    moved = [event for event in await library.events() if event["type"] == "LoanClockMoved"]
    assert [clock["record_id"] for clock in moved[0]["data"]["clocks"]] == [second]


async def test_h25_what_comes_after_the_fee_is_paid_costs_nothing_more(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    first, second = [await library.make_loan(patron, due_on=TODAY - DAY) for _ in range(2)]
    [fee] = (await library.check_in(first)).debts
    await library.pay(patron, fee.amount)
    library.travel(timedelta(hours=2))
    raised = await library.check_in(second)
    assert (raised.debts, raised.holds) == ([], False)
    assert await library.anchor(second) == START + timedelta(hours=2)
    assert await library.count("debt_material", fee.debt_id) == 2


async def test_h25_the_next_day_is_a_new_fee(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    first, second = [await library.make_loan(patron, due_on=TODAY - DAY) for _ in range(2)]
    await library.check_in(first)
    library.travel(DAY)
    assert len((await library.check_in(second)).debts) == 1


async def test_a_late_told_return_counts_from_when_it_was_but_not_before_the_settlement(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.raise_debt(patron, 1000, loan)
    settled_at = library.travel(3 * DAY)
    await library.pay(patron, 1000)
    library.travel(DAY)
    assert not (await library.check_in(loan, at=START + DAY)).holds
    assert await library.anchor(loan) == settled_at


async def test_reaching_the_limit_and_coming_below_is_told(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    await library.raise_debt(patron, 19999)
    debt = (await library.raise_debt(patron, 1)).json()["debt_id"]
    await library.waive(debt, STRUER)
    standing = [
        (event["type"], event["data"]["patron_balance"], event["data"]["balance_version"], event["data"]["over_limit"])
        for event in await library.events()
    ]
    assert standing == [
        ("DebtRaised", 19999, 1, False),
        ("DebtRaised", 20000, 2, True),
        ("DebtSettled", 19999, 3, False),
    ]


async def test_an_undone_return_takes_the_loan_out_of_the_fee(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    first, second = [await library.make_loan(patron, due_on=TODAY - DAY) for _ in range(2)]
    [fee] = (await library.check_in(first)).debts
    await library.check_in(second)
    assert (await library.undo_return(first, STRUER)).status_code == 200
    assert (await library.row(fee.debt_id))["balance"] == fee.amount
    assert (await library.undo_return(second, STRUER)).status_code == 200
    assert (await library.row(fee.debt_id))["balance"] == 0
    entries = await library.runtime.database.fetch("SELECT kind, amount FROM debt_entry ORDER BY at, amount DESC")
    assert [tuple(entry) for entry in entries] == [("raised", fee.amount), ("reversal", -fee.amount)]
    assert {await library.anchor(loan) for loan in (first, second)} == {None}
    assert len((await library.check_in(first)).debts) == 1


async def test_a_paid_fee_stays_when_the_return_is_undone(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    await library.pay(patron, 100)
    assert problem(await library.undo_return(loan, STRUER)) == (409, "fee-paid")
    assert (await library.row(fee.debt_id))["balance"] == fee.amount - 100
    assert await library.count("debt_material", fee.debt_id) == 1


async def test_a_lost_item_that_comes_back_is_paid_no_further(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    lost = await library.client.post(f"/loans/{loan}/lost", json={"cause": "lost"}, headers=library.staff(STRUER))
    assert lost.status_code == 200
    assert await library.anchor(loan) is None
    await library.pay(patron, 10000)
    back_at = library.travel(4 * DAY)
    await library.check_in(loan)
    [debt] = (await library.account(patron))["debts"]
    assert debt["balance"] == 0
    assert await library.anchor(loan) == back_at
    ledger = (await library.client.get(f"/debts/{debt['debt_id']}", headers=library.staff(STRUER))).json()["ledger"]
    assert [(entry["kind"], entry["amount"]) for entry in ledger] == [
        ("raised", 25000),
        ("payment", -10000),
        ("waiver", -15000),
    ]


async def test_settled_debts_are_shown_until_they_are_due(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    debt_id = (await library.raise_debt(patron, 1000)).json()["debt_id"]
    await library.pay(patron, 1000)
    library.travel(30 * DAY - timedelta(seconds=1))
    assert len((await library.account(patron))["debts"]) == 1
    library.travel(timedelta(seconds=1))
    assert (await library.account(patron))["debts"] == []
    answer = await library.client.get(f"/debts/{debt_id}", headers=library.staff(STRUER))
    assert problem(answer) == (410, "debt-gone")
    assert problem(await library.waive(debt_id, STRUER)) == (410, "debt-gone")
    assert await library.count("debt", debt_id) == 1, "not swept yet"


async def test_who_may_see_and_do_what(library: Library) -> None:
    patron, other = await library.make_patron(STRUER), await library.make_patron(STRUER)
    debt_id = (await library.raise_debt(patron, 1000)).json()["debt_id"]
    mine, theirs, abroad = library.patron(patron, STRUER), library.patron(other, STRUER), library.staff(KOEGE)
    client = library.client
    assert (await client.get("/patrons/me/debts", headers=mine)).json()["balance"] == 1000
    assert (await client.get(f"/debts/{debt_id}", headers=mine)).status_code == 200
    order = {"order_id": "web-9", "patron_id": patron, "amount": 1000}
    for answer, expected in [
        (await client.get(f"/patrons/{patron}/debts", headers=theirs), (403, "missing-scope")),
        (await client.get(f"/debts/{debt_id}", headers=theirs), (403, "missing-scope")),
        (await client.get(f"/patrons/{patron}/debts", headers=abroad), (403, "wrong-agency")),
        (await client.get(f"/debts/{debt_id}", headers=abroad), (403, "wrong-agency")),
        (await client.get(f"/debts/{debt_id}"), (401, "no-token")),
        (await client.post("/payments", json=order, headers=theirs), (403, "missing-scope")),
        (await client.post("/payments", json=order, headers=abroad), (403, "wrong-agency")),
        (await client.post(f"/debts/{debt_id}/waiver", json={}, headers=mine), (403, "missing-scope")),
        (await client.post(f"/debts/{debt_id}/waiver", json={}, headers=abroad), (403, "wrong-agency")),
        (await client.post("/payments/web-9/reversal", headers=mine), (403, "missing-scope")),
        (await client.post("/debts", json={}, headers=mine), (403, "missing-scope")),
    ]:
        assert problem(answer) == expected
    assert (await client.post("/payments", json=order | {"patron_id": "me"}, headers=mine)).status_code == 201


async def test_a_loan_of_somebody_else_is_not_charged(library: Library) -> None:
    patron, other = await library.make_patron(STRUER), await library.make_patron(STRUER)
    loan = await library.make_loan(other)
    assert problem(await library.raise_debt(patron, 100, loan)) == (409, "loan-of-another")


async def test_events_name_neither_item_nor_work(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    await library.pay(patron, fee.amount)
    material = await library.runtime.database.fetchrow("SELECT * FROM debt_material")
    text = str(await library.events())
    assert str(material["item_id"]) not in text
    assert material["work_id"] not in text


async def test_debts_are_resolved_until_they_are_due(library: Library) -> None:
    from loan_api.debts.store import resolve_debts

    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=date(2027, 2, 1))
    [fee] = (await library.check_in(loan)).debts
    cutoffs = library.runtime.agencies.cutoffs("debt", START)
    [found] = await resolve_debts(library.runtime.database, [fee.debt_id, 4711], cutoffs)
    assert (found["patron_id"], found["balance"], found["titles"]) == (patron, fee.amount, ["Kongens Fald"])
    await library.pay(patron, fee.amount)
    later = library.runtime.agencies.cutoffs("debt", START + 30 * DAY)
    assert await resolve_debts(library.runtime.database, [fee.debt_id], later) == []
