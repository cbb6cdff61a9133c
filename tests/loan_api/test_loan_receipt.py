"""A patron fetches, before the erasure, what lets them check it afterwards."""

import httpx
import pytest

SALT, LOG = "ab" * 32, "cd" * 32


@pytest.fixture
def asked(library, monkeypatch):
    """What the retention worker was asked; it knows a clock of every loan but those in `unknown`."""
    questions = []

    def answer(request: httpx.Request) -> httpx.Response:
        import json

        question = json.loads(request.content)
        questions.append((request.url.path, question))
        [record_id] = question["record_ids"]
        receipt = {"record_class": "loan", "record_id": record_id, "salt": SALT, "log_id": LOG}
        return httpx.Response(200, json=[receipt] if len(questions) == 1 else [])

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://worker.test")
    monkeypatch.setitem(library.runtime.clients._clients, "retention-worker", client)
    return questions


async def test_the_receipt_of_ones_own_loan(library, asked, problem):
    patron, other = library.make_patron(), library.make_patron()
    [item] = await library.make_items()
    loan_id = (await library.lend(patron, item))["loan_id"]
    await library.take_back(item)
    path = f"/loans/{loan_id}/receipt"
    assert problem(await library.as_patron(other, "GET", path)) == (403, "missing-scope")
    assert asked == []

    answer = await library.as_patron(patron, "GET", path)
    assert answer.json() == {"record_class": "loan", "record_id": loan_id, "salt": SALT, "log_id": LOG}
    assert answer.headers["cache-control"] == "no-store"
    assert asked == [("/receipts", {"record_class": "loan", "record_ids": [loan_id]})]
    assert problem(await library.as_patron(patron, "GET", path)) == (404, "no-receipt-yet")


async def test_a_loan_that_is_due_has_no_receipt_to_give(library, asked, problem):
    from datetime import timedelta

    patron = library.make_patron()
    [item] = await library.make_items()
    loan_id = (await library.lend(patron, item))["loan_id"]
    await library.take_back(item)
    library.clock.travel(timedelta(days=30))
    assert problem(await library.as_patron(patron, "GET", f"/loans/{loan_id}/receipt")) == (410, "loan-gone")
    assert asked == []


async def test_a_worker_that_does_not_answer_is_no_missing_receipt(library, monkeypatch, problem):
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(away), base_url="http://worker.test")
    monkeypatch.setitem(library.runtime.clients._clients, "retention-worker", client)
    patron = library.make_patron()
    [item] = await library.make_items()
    loan_id = (await library.lend(patron, item))["loan_id"]
    assert problem(await library.as_patron(patron, "GET", f"/loans/{loan_id}/receipt"))[0] == 503
