"""Erase me, as lending sees it: refused with everything that is open, or done at once; never both (R32)."""

import asyncio
from datetime import timedelta

import httpx
import orjson
import pytest

from glem_contracts.events import PatronErased

KOEGE, STRUER = "DK-725900", "DK-767100"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def holds(library, monkeypatch):
    """The records that the retention worker calls held; None: it does not answer."""
    held = {}

    def answer(request: httpx.Request) -> httpx.Response:
        question = orjson.loads(request.content)
        if held.get("away"):
            return httpx.Response(503)
        found = [
            {"record_class": question["record_class"], "record_id": id_, "kind": "police", "ends_at": held[id_]}
            for id_ in question["record_ids"]
            if id_ in held
        ]
        return httpx.Response(200, json=found)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://worker.test")
    monkeypatch.setitem(library.runtime.clients._clients, "retention-worker", client)
    return held


async def close(library, patron):
    return await library.call("POST", f"/patrons/{patron}/closing", "service", "*")


async def remains(library, patron):
    return (await library.call("GET", f"/patrons/{patron}/remains", "service", "*")).json()


async def returned(library, patron, agency=KOEGE):
    [item] = await library.make_items(agency=agency)
    loan = await library.lend(patron, item, agency)
    await library.take_back(item, agency)
    return loan["loan_id"]


async def test_h37_refused_with_each_open_loan_and_debt(library):
    patron = library.make_patron()
    [item] = await library.make_items(title="Rejsen")
    loan = await library.lend(patron, item)
    debt = (await library.charge(patron, 5000)).json()
    answer = (await close(library, patron)).json()
    assert answer["closed"] is False
    assert answer["loans"] == [{"loan_id": loan["loan_id"], "due_on": loan["due_on"], "title": "Rejsen"}]
    assert [(line["debt_id"], line["balance"]) for line in answer["debts"]] == [(debt["debt_id"], 5000)]
    assert (await library.call("GET", f"/patrons/{patron}/closing", "service", "*")).json() == answer
    assert len(await library.loans(patron)) == 1


async def test_h105_an_overdue_loan_is_an_open_loan_and_its_fee_an_open_debt(library):
    patron = library.make_patron()
    [item] = await library.make_items()
    await library.lend(patron, item)
    library.clock.travel(45 * DAY)
    assert len((await close(library, patron)).json()["loans"]) == 1
    await library.take_back(item)
    answer = (await close(library, patron)).json()
    assert (answer["closed"], answer["loans"], len(answer["debts"])) == (False, [], 1)


async def test_h38_all_that_is_closed_goes_at_once_with_a_line_for_each(library, problem):
    patron, bystander = library.make_patron(), library.make_patron()
    loans = [await returned(library, patron) for _ in range(12)]
    other = await returned(library, bystander)
    await library.charge(patron, 500)
    await library.pay(patron, 500)
    [wanted] = await library.make_items()
    reservation = await library.queue(patron, wanted)
    await library.events()
    assert (await close(library, patron)).json() == {"closed": True, "loans": [], "debts": [], "held": []}
    gone = {
        erasure["record_class"]: erasure["record_ids"]
        for event in await library.events()
        for erasure in event["data"]["erased"]
    }
    assert sorted(gone["loan"]) == sorted(loans)
    assert (gone["reservation"], len(gone["debt"])) == ([reservation], 1)
    left = await remains(library, patron)
    assert left["forgotten"] is True
    assert set(left["records"].values()) == {0}
    assert [loan["loan_id"] for loan in await library.loans(bystander)] == [other]
    assert problem(await library.check_out(patron, wanted)) == (404, "unknown-patron")
    assert (await close(library, patron)).json()["closed"] is True
    await library.hear(PatronErased(patron_id=patron), KOEGE, patron)
    # Nothing but that staff has looked at the bystander's ended loan.
    assert [event["type"] for event in await library.events()] == ["LendingDataKept"]


async def test_a_payment_cannot_be_taken_back_after_the_end(library, problem):
    patron = library.make_patron()
    await library.charge(patron, 500)
    await library.call("POST", "/payments", json={"order_id": "o-end", "patron_id": patron, "amount": 500})
    await close(library, patron)
    assert problem(await library.call("POST", "/payments/o-end/reversal")) == (404, "payment-unknown")
    assert set((await remains(library, patron))["records"].values()) == {0}


async def test_a_patron_whom_lending_never_met_is_closed_too(library, problem):
    patron = library.make_patron()
    [item] = await library.make_items()
    assert (await close(library, patron)).json()["closed"] is True
    assert problem(await library.check_out(patron, item)) == (404, "unknown-patron")


async def test_a_legal_hold_stands_against_it(library, holds):
    patron = library.make_patron()
    loan_id = await returned(library, patron)
    holds[loan_id] = "2027-04-01T00:00:00Z"
    answer = (await close(library, patron)).json()
    assert answer["closed"] is False
    assert answer["held"] == [{"record_class": "loan", "record_id": loan_id, "ends_at": "2027-04-01T00:00:00Z"}]
    del holds[loan_id]
    assert (await close(library, patron)).json()["closed"] is True


async def test_nothing_goes_while_nobody_can_say_what_is_held(library, holds, problem):
    patron = library.make_patron()
    await returned(library, patron)
    holds["away"] = True
    assert problem(await close(library, patron)) == (503, "unavailable")
    assert len(await library.loans(patron)) == 1


@pytest.mark.parametrize("round_number", range(20))
async def test_h39_either_the_check_out_or_the_end_wins(library, round_number):
    patron = library.make_patron()
    items = [(await library.make_items())[0] for _ in range(2)]
    await library.lend(patron, items[0])
    await library.take_back(items[0])
    lent, closed = await asyncio.gather(library.check_out(patron, items[1]), close(library, patron))
    open_loans = await library.runtime.database.fetchval("SELECT count(*) FROM loan WHERE patron_id = $1", patron)
    if closed.json()["closed"]:
        assert (lent.status_code, open_loans) == (404, 0)
    else:
        assert (lent.status_code, len(closed.json()["loans"])) == (201, 1)
