"""Debts at the collector's: open until their end is reported, and listed when nobody can claim them any more (H19)."""

import httpx
import pytest

from tests.loan_api_debts.conftest import DAY, KOEGE, RANDERS, STRUER, Library

YEARS_3 = 3 * 366 * DAY


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:glem:problem:")


async def send(library: Library, debt_id: int, agency: str = STRUER) -> httpx.Response:
    return await library.client.post(f"/debts/{debt_id}/collection", headers=library.staff(agency))


async def close(library: Library, debt_id: int, outcome: str, agency: str = STRUER) -> httpx.Response:
    return await library.client.post(
        f"/debts/{debt_id}/collection/closure", json={"outcome": outcome}, headers=library.staff(agency)
    )


async def listed(library: Library, agency: str = STRUER, **query: str) -> list[int]:
    answer = await library.client.get("/debts/in-collection", params=query, headers=library.staff(agency))
    assert answer.status_code == 200, answer.text
    return [debt["debt_id"] for debt in answer.json()]


async def in_collection(library: Library, agency: str = STRUER) -> tuple[int, int, int]:
    patron = await library.make_patron(agency)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    debt_id = (await library.raise_debt(patron, 23000, loan)).json()["debt_id"]
    assert (await send(library, debt_id, agency)).json()["in_collection_since"]
    return patron, loan, debt_id


@pytest.mark.parametrize(("outcome", "entry"), [("paid", "payment"), ("written-off", "waiver")])
async def test_h19_a_debt_is_open_until_the_collector_reports_its_end(library: Library, outcome: str, entry: str):
    patron, loan, debt_id = await in_collection(library)
    library.travel(400 * DAY)
    assert await library.anchor(loan) is None
    assert (await library.account(patron))["balance"] == 23000
    assert await library.overdue(STRUER, "loan") == []

    closed_at = library.clock.now()
    assert (await close(library, debt_id, outcome)).json()["balance"] == 0
    assert await library.anchor(loan) == closed_at
    assert (await close(library, debt_id, outcome)).status_code == 200
    ledger = (await library.client.get(f"/debts/{debt_id}", headers=library.staff(STRUER))).json()["ledger"]
    assert [line["kind"] for line in ledger] == ["raised", entry]

    library.travel(31 * DAY)
    assert await library.overdue(STRUER, "loan") == [loan]
    assert (await library.dispose(STRUER, "debt", debt_id))["erased"] == [debt_id]
    assert problem(await close(library, debt_id, outcome)) == (410, "debt-gone")


async def test_h19_what_nobody_can_claim_any_more_is_listed_and_not_silently_kept(library: Library):
    patron, _, debt_id = await in_collection(library)
    await in_collection(library, RANDERS)
    await library.raise_debt(patron, 5000)
    assert await listed(library) == []
    assert await listed(library, older_than=library.clock.now().date().isoformat()) == [debt_id]
    library.travel(YEARS_3)
    _, _, young = await in_collection(library)
    assert await listed(library) == [debt_id]
    assert await listed(library, older_than=library.clock.now().date().isoformat()) == [debt_id, young]
    await close(library, debt_id, "written-off")
    assert await listed(library) == []


async def test_only_what_is_owed_is_collected(library: Library):
    patron = await library.make_patron(KOEGE)
    debt_id = (await library.raise_debt(patron, 5000)).json()["debt_id"]
    assert problem(await close(library, debt_id, "paid", KOEGE)) == (409, "not-in-collection")
    assert problem(await send(library, debt_id, STRUER)) == (403, "wrong-agency")
    await library.pay(patron, 5000)
    assert problem(await send(library, debt_id, KOEGE)) == (409, "nothing-owed")
    assert problem(await send(library, 4711, KOEGE)) == (410, "debt-gone")


async def test_a_partial_payment_at_the_desk_leaves_the_rest_with_the_collector(library: Library):
    patron, _, debt_id = await in_collection(library)
    await library.pay(patron, 3000)
    assert (await close(library, debt_id, "paid")).json()["balance"] == 0
    assert (await library.account(patron))["balance"] == 0
