"""A service answers for itself: in problems that leak nothing, with its trace, and honestly about its health."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount

from glem.transport import TransportError
from tests.glem.apps import Toy, open_toy
from tests.glem.toys import FailingTransport, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest_asyncio.fixture
async def toy(database_url: str) -> AsyncIterator[Toy]:
    async with open_toy(database_url) as toy:
        yield toy


async def test_a_trace_goes_from_a_request_through_events_to_the_next_service(toy: Toy):
    answer = await toy.client.post("/things", json={"id": 1}, headers={"traceparent": TRACE})
    assert answer.status_code == 200
    assert answer.headers["traceparent"] == TRACE
    await until(lambda: toy.peer.traces)
    assert toy.peer.traces == [TRACE]


async def test_a_request_without_a_trace_begins_one(toy: Toy):
    answers = [
        await toy.client.get("/things/1", headers=headers)
        for headers in ({}, {"traceparent": "x"}, {"traceparent": TRACE.upper()}, {"traceparent": TRACE + "0"})
    ]
    traces = {answer.headers["traceparent"] for answer in answers}
    assert len(traces) == 4
    assert TRACE not in traces
    assert {len(trace) for trace in traces} == {55}


async def test_two_requests_do_not_share_a_trace(toy: Toy):
    first, second = await asyncio.gather(toy.client.get("/things/1"), toy.client.get("/things/1"))
    assert first.headers["traceparent"] != second.headers["traceparent"]


CPR = "7001901234"
WRONG = [
    {"id": CPR + "x"},
    {"id": 1, "pin": CPR},
    {"id": 1, "state": CPR},
    {"id": 1, CPR: 5},
    {"id": 1, "Karen": 5},
    {"id": 1, "counts": {CPR: "x"}},
    {"id": 1, "contact": {"kind": "Karen", "street": "x"}},
    {"id": 1, "contact": {"kind": "phone", "number": "Karen"}},
    {"id": CPR + "0" * 5000},
    [CPR],
    CPR,
]


@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
async def test_a_wrong_request_is_named_and_never_repeated(toy: Toy, body: object):
    answer = await toy.client.post("/things", json=body, headers={"accept-language": "en"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "urn:glem:problem:malformed"
    assert document["errors"][0]["field"].startswith("body")
    assert CPR not in answer.text
    assert "Karen" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"7001901234x", b'{"id": 1,}'])
async def test_what_is_not_json_is_said_to_be_not_json(toy: Toy, body: bytes):
    answer = await toy.client.post("/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["type"] in {"urn:glem:problem:not-json", "urn:glem:problem:malformed"}
    assert CPR not in answer.text


@pytest.mark.parametrize("number", [2**63, -(2**70)])
async def test_a_number_that_no_column_holds_is_malformed_not_unavailable(toy: Toy, number: int):
    answer = await toy.client.get(f"/things/{number}")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:glem:problem:malformed"


async def test_a_zero_character_is_malformed(toy: Toy):
    answer = await toy.client.get("/texts", params={"text": "a\0b"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/things", 405, "method-not-allowed"),
        ("GET", "/failure", 500, "internal"),
    ],
)
async def test_every_no_is_a_problem_document(toy: Toy, method: str, path: str, status: int, name: str):
    for language, words in (("da", ("Adressen", "fejl")), ("en", ("address", "Something"))):
        answer = await toy.client.request(method, path, headers={"accept-language": language})
        assert answer.status_code == status
        assert answer.json()["type"] == f"urn:glem:problem:{name}"
        assert any(word in answer.json()["detail"] for word in words)
        assert "Karen" not in answer.text


async def test_it_is_ready_when_its_parts_are(toy: Toy):
    answer = await toy.client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "service": "toy-api",
        "ready": True,
        "database": True,
        "silent": [],
        "ended": 0,
        "transport": None,
        "restore": {"state": "open", "lines": 0, "erased_again": 0},
    }
    assert (await toy.client.get("/health/live")).json() == {"service": "toy-api", "state": "live"}


async def test_it_is_not_ready_when_a_topic_keeps_too_long(toy: Toy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(toy.runtime.transport, "trouble", lambda: "topic glem.loans has retention.ms=-1")
    answer = await toy.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["transport"] == "topic glem.loans has retention.ms=-1"


async def test_it_is_not_ready_when_its_relay_has_ended(toy: Toy):
    toy.runtime.running[0].cancel()
    await asyncio.wait([toy.runtime.running[0]])
    answer = await toy.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["ended"] == 1


async def test_it_is_not_ready_when_its_background_work_is_silent(toy: Toy):
    [task] = [task for task in toy.runtime.tasks if task.name == "tidy-outbox"]
    task.heartbeat -= 121
    answer = await toy.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["silent"] == ["tidy-outbox"]


async def test_without_its_database_it_lives_says_so_and_answers_later(toy: Toy):
    toy.runtime.database._pool.terminate()
    ready = await toy.client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["database"] is False
    assert (await toy.client.get("/health/live")).status_code == 200
    answer = await toy.client.get("/things/1")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "urn:glem:problem:unavailable"
    metrics = await toy.client.get("/metrics")
    assert metrics.status_code == 200
    assert "glem_outbox_unsent NaN" in metrics.text


class SilentBroker(FailingTransport):
    """A broker that takes nothing and says nothing."""

    def subscribe(self, *_) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def trouble(self) -> str | None:
        return None

    async def lag(self) -> dict[str, int]:
        raise TransportError("away")


async def test_metrics_count_what_waits_while_the_broker_is_away(database_url: str):
    async with open_toy(database_url, transport=SilentBroker(broken=TransportError("away"))) as toy:
        assert (await toy.client.post("/things", json={"id": 5})).status_code == 200
        await until(lambda: toy.runtime.relay.failures)
        text = (await toy.client.get("/metrics")).text
        assert "glem_outbox_unsent 1.0" in text
        assert "glem_relay_failures 0.0" not in text
        assert (await toy.client.get("/health/ready")).status_code == 200


async def test_metrics_are_those_of_the_service(toy: Toy):
    text = (await toy.client.get("/metrics")).text
    for name in (
        "glem_dead_letters",
        "glem_outbox_unsent",
        "glem_relay_failures",
        'glem_consumer_lag{group="toy-api"}',
    ):
        assert name in text


async def test_a_service_logs_in_once_for_many_calls(toy: Toy):
    for number in range(5):
        await toy.client.post("/things", json={"id": number})
    await until(lambda: len(toy.peer.traces) == 5)
    assert toy.peer.logins == 1


@pytest.mark.parametrize("prefix", ["", "/toy"])
async def test_the_pages_of_the_interface_load_nothing_from_elsewhere(toy: Toy, prefix: str):
    """A reader's browser tells nobody that it read them, and a library without the internet can read them too."""
    under = httpx.ASGITransport(Starlette(routes=[Mount(prefix, toy.app)]))
    async with httpx.AsyncClient(transport=under, base_url="http://glem") as client:
        page = await client.get(f"{prefix}/docs")
        assert page.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        assert len(loaded) >= 3
        assert [address for address in loaded if not address.startswith(f"{prefix}/docs/assets/")] == []
        assert {(await client.get(address)).status_code for address in loaded} == {200}
        assert f"'{prefix}/openapi.json'" in page.text
        assert (await client.get(f"{prefix}/openapi.json")).status_code == 200
