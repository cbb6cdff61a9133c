"""Payments, whole or in part, once per order; and what a chargeback brings back."""

from datetime import datetime, timedelta

import httpx
import pytest

from tests.loan_api_debts.conftest import DAY, KOEGE, START, STRUER, Library

TODAY = START.date()


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:glem:problem:")


async def test_a_late_return_raises_a_fee_and_the_loan_waits_for_its_payment(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY - 3 * DAY)
    raised = await library.check_in(loan)
    assert [debt.kind for debt in raised.debts] == ["fee"]
    assert raised.holds
    assert await library.anchor(loan) is None
    account = await library.account(patron)
    assert account["balance"] == raised.debts[0].amount
    assert account["debts"][0]["materials"][0]["title"] == "Kongens Fald"

    paid_at = library.travel(2 * DAY)
    assert (await library.pay(patron, account["balance"])).status_code == 201
    assert await library.anchor(loan) == paid_at


async def test_h13_a_chargeback_opens_the_debt_and_stops_the_clock(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    await library.pay(patron, fee.amount, order_id="card-1")
    library.travel(10 * DAY)
    reversed_ = await library.reverse("card-1", STRUER)
    assert reversed_.status_code == 200
    assert reversed_.json()["shares"] == [{"debt_id": fee.debt_id, "amount": fee.amount}]
    assert await library.anchor(loan) is None
    assert (await library.account(patron))["balance"] == fee.amount
    library.travel(40 * DAY)
    assert await library.overdue(STRUER, "debt") == []
    again = library.travel(DAY)
    await library.pay(patron, fee.amount)
    assert await library.anchor(loan) == again


async def test_a_chargeback_told_twice_counts_once(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    await library.raise_debt(patron, 1000)
    await library.pay(patron, 1000, order_id="card-2")
    first, second = await library.reverse("card-2", STRUER), await library.reverse("card-2", STRUER)
    assert first.json() == second.json()
    assert (await library.account(patron))["balance"] == 1000
    assert problem(await library.reverse("card-3", STRUER)) == (404, "payment-unknown")
    assert problem(await library.reverse("card-2", KOEGE)) == (404, "payment-unknown")


async def test_h13_what_is_gone_does_not_come_back_with_a_chargeback(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    library.travel(timedelta(seconds=1))
    await library.raise_debt(patron, 3000)
    await library.pay(patron, fee.amount + 1000, order_id="card-4")
    library.travel(30 * DAY)
    assert problem(await library.reverse("card-4", STRUER)) == (410, "debt-gone")
    await library.dispose(STRUER, "debt", fee.debt_id)
    assert problem(await library.reverse("card-4", STRUER)) == (410, "debt-gone")
    assert (await library.account(patron))["balance"] == 2000
    assert await library.anchor(loan) == START + timedelta(seconds=1)


@pytest.mark.parametrize("swept", [False, True])
async def test_h13_a_chargeback_on_a_redacted_debt_opens_it_without_material(library: Library, *, swept: bool) -> None:
    patron = await library.make_patron(KOEGE)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    await library.pay(patron, fee.amount, order_id="card-5")
    library.travel(30 * DAY)
    if swept:
        await library.dispose(KOEGE, "debt", fee.debt_id)
    assert (await library.reverse("card-5", KOEGE)).status_code == 200
    [debt] = (await library.account(patron))["debts"]
    assert (debt["balance"], debt["redacted"], debt["materials"], debt["due_on"]) == (fee.amount, True, [], None)
    assert await library.count("debt_material", fee.debt_id) == 0
    assert await library.anchor(loan) == START, "a loan that is due is not brought back"
    reversal = (await library.events())[-1]["data"]
    anchors = {clock["record_class"]: clock["anchor"] for clock in reversal["clocks"]}
    assert set(anchors) == ({"debt-amount"} if swept else {"debt", "debt-amount"})
    assert swept or datetime.fromisoformat(anchors["debt"]) == START, "what is due stays due"


async def test_h15_half_a_payment_does_not_settle(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    await library.raise_debt(patron, 12000, loan)
    await library.pay(patron, 5000)
    assert await library.anchor(loan) is None
    assert (await library.events())[-1]["type"] == "DebtPaid"
    library.travel(DAY)
    await library.pay(patron, 7000)
    assert await library.anchor(loan) == START + DAY
    paid, settled = (await library.events())[-2:]
    assert [paid["type"], settled["type"], settled["data"]["how"]] == ["DebtPaid", "DebtSettled", "paid"]


async def test_an_order_is_taken_once(library: Library) -> None:
    patron, other = await library.make_patron(STRUER), await library.make_patron(STRUER)
    for who in (patron, other):
        await library.raise_debt(who, 9000)
    first = await library.pay(patron, 4000, order_id="web-1")
    again = await library.pay(patron, 4000, order_id="web-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert problem(await library.pay(patron, 4001, order_id="web-1")) == (409, "order-mismatch")
    assert problem(await library.pay(other, 4000, order_id="web-1")) == (409, "order-mismatch")
    assert (await library.account(patron))["balance"] == 5000


async def test_a_payment_over_the_debt_changes_nothing(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    await library.raise_debt(patron, 9000)
    refused = await library.pay(patron, 9001, order_id="web-2")
    assert problem(refused) == (409, "payment-over-debt")
    assert refused.json()["owed"] == 9000
    assert (await library.account(patron))["balance"] == 9000
    assert (await library.pay(patron, 9000, order_id="web-2")).status_code == 201


async def test_a_payment_may_name_its_debts(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    old, young = [(await library.raise_debt(patron, 1000)).json()["debt_id"] for _ in range(2)]
    await library.pay(patron, 1000, debt_ids=[young])
    assert [(await library.row(debt))["balance"] for debt in (old, young)] == [1000, 0]
    assert problem(await library.pay(patron, 1000, debt_ids=[4711])) == (410, "debt-gone")
    assert problem(await library.pay(patron, 1, debt_ids=[young])) == (409, "payment-over-debt")
    stranger = await library.make_patron(STRUER)
    assert problem(await library.pay(stranger, 1000, debt_ids=[old])) == (410, "debt-gone")


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 1.5},
        {"amount": "10"},
        {"order_id": "a b"},
        {"order_id": ""},
        {"debt_ids": []},
        {"patron_id": 2**60},
        {"card": "4711"},
    ],
)
async def test_a_malformed_payment_is_refused(library: Library, change: dict[str, object]) -> None:
    order = {"order_id": "web-1", "patron_id": 1, "amount": 10} | change
    answer = await library.client.post("/payments", json=order, headers=library.staff(STRUER))
    assert problem(answer) == (422, "malformed")
