"""Debts that are raised and waived once, however often the request is tried."""

import asyncio

import httpx

from tests.loan_api_debts.conftest import DAY, KOEGE, START, STRUER, Library


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:glem:problem:")


async def test_a_debt_is_raised_once_for_a_key(library: Library) -> None:
    patron, other = await library.make_patron(STRUER), await library.make_patron(STRUER)
    first = await library.raise_debt(patron, 4000, key="desk-1")
    again = await library.raise_debt(patron, 4000, key="desk-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert problem(await library.raise_debt(patron, 4001, key="desk-1")) == (409, "idempotency-key-mismatch")
    assert problem(await library.raise_debt(other, 4000, key="desk-1")) == (409, "idempotency-key-mismatch")
    assert (await library.raise_debt(patron, 4000, key="desk-2")).status_code == 201
    assert (await library.raise_debt(await library.make_patron(KOEGE), 4000, key="desk-1")).status_code == 201
    assert (await library.account(patron))["balance"] == 8000
    assert (await library.account(other))["balance"] == 0


async def test_a_key_stands_for_its_loan_too(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan, other = await library.make_loan(patron), await library.make_loan(patron)
    assert (await library.raise_debt(patron, 4000, loan, key="desk-1")).status_code == 201
    assert (await library.raise_debt(patron, 4000, loan, key="desk-1")).status_code == 200
    for another in (other, None):
        assert problem(await library.raise_debt(patron, 4000, another, key="desk-1")) == (
            409,
            "idempotency-key-mismatch",
        )


async def test_h26_a_key_goes_with_the_material_for_it_may_name_the_item(library: Library) -> None:
    patron = await library.make_patron(KOEGE)
    debt = (await library.raise_debt(patron, 4000, key="item-b4711")).json()["debt_id"]
    await library.waive(debt, KOEGE, 1000, key="item-b4711-part")
    await library.pay(patron, 3000, order_id="card-1")
    library.travel(30 * DAY)
    assert (await library.dispose(KOEGE, "debt", debt))["redacted"] == [debt]
    ledger = (await library.client.get(f"/debts/{debt}", headers=library.staff(KOEGE))).json()["ledger"]
    assert sorted((line["kind"], line["order_id"]) for line in ledger if line["order_id"]) == [("payment", "card-1")]
    assert len(ledger) == 3


async def test_parallel_tries_raise_one_debt(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    answers = await asyncio.gather(*(library.raise_debt(patron, 4000, key="desk-1") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert (await library.account(patron))["balance"] == 4000


async def test_a_part_is_waived_once_for_a_key(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    debt, bystander = [(await library.raise_debt(patron, 9000)).json()["debt_id"] for _ in range(2)]
    for _ in range(3):
        assert (await library.waive(debt, STRUER, 4000, key="desk-3")).json()["balance"] == 5000
    assert problem(await library.waive(debt, STRUER, 3000, key="desk-3")) == (409, "idempotency-key-mismatch")
    assert problem(await library.waive(bystander, STRUER, 4000, key="desk-3")) == (409, "idempotency-key-mismatch")
    assert (await library.waive(debt, STRUER, key="desk-4")).json()["balance"] == 0
    assert (await library.waive(debt, STRUER, key="desk-4")).json()["balance"] == 0
    assert (await library.account(patron))["balance"] == 9000


async def test_a_key_is_not_taken_for_a_payment(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron, due_on=START.date() - DAY)
    [fee] = (await library.check_in(loan)).debts
    await library.waive(fee.debt_id, STRUER, 1, key="order-1")
    assert (await library.undo_return(loan, STRUER)).status_code == 200, "nothing of the fee was paid"
    await library.raise_debt(patron, 3000, key="order-1")
    assert (await library.pay(patron, 3000, order_id="order-1")).status_code == 201


async def test_what_a_key_raised_and_is_gone_is_not_raised_again_as_long_as_anything_knows_of_it(
    library: Library,
) -> None:
    patron = await library.make_patron(STRUER)
    debt = (await library.raise_debt(patron, 4000, key="desk-1")).json()["debt_id"]
    await library.pay(patron, 4000)
    library.travel(30 * DAY)
    assert problem(await library.raise_debt(patron, 4000, key="desk-1")) == (410, "debt-gone")
    await library.dispose(STRUER, "debt", debt)
    assert await library.count("debt_entry", debt) == 0, "the key went with the debt"
