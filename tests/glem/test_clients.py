"""Calls between services: what is sent, what is read, and what a failure says."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Annotated

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, TypeAdapter

from glem.clients import Clients, PeerAwayError, PeerError
from glem.problems import ProblemType, problem_response
from glem_contracts.calls import Call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONTENTS = {
    "gateway": ("<p>Karen is not here</p>", 404),
    "other": ('{"after": "Karen 700190-1234", "names": null}', 200),
    "text": ("Karen", 200),
}
REFUSED = ProblemType("unknown-patron", 404, "Findes ikke.", "There is no such patron.")


class Wanted(BaseModel):
    after: int = 0
    names: list[str] = []


class Found(BaseModel):
    after: int
    names: list[str]


LOOK = Call("GET", "/things/{place}", ("peer",), TypeAdapter(Found), asked=Wanted)
CHANGE = Call("POST", "/things/{place}", ("peer",), TypeAdapter(Found), asked=Wanted)
READ = Call("GET", "/answers/{answer}", ("peer",), TypeAdapter(Found))
KEEP = Call("PUT", "/answers/{answer}", ("peer",), TypeAdapter(None))
ANYBODY = Call("GET", "/token", ("peer",), TypeAdapter(str | None), with_token=False)
WITH_TOKEN = Call("GET", "/token", ("peer",), TypeAdapter(str | None))


def peer() -> FastAPI:
    """A peer that answers what it is asked, and on /answers what the last part of the path says."""
    app = FastAPI()

    @app.post("/oauth/token")
    async def log_in() -> dict[str, object]:
        return {"access_token": "t", "expires_in": 600}

    @app.get("/things/{place}")
    async def look(place: str, after: int, names: Annotated[list[str], Query()]) -> dict[str, object]:
        return {"after": after, "names": [place, *names], "news": "a field that the caller does not know"}

    @app.post("/things/{place}")
    async def change(wanted: dict[str, object], place: str) -> dict[str, object]:
        return {**wanted, "names": [place]}

    @app.get("/token")
    async def token(request: Request) -> str | None:
        return request.headers.get("authorization")

    @app.api_route("/answers/{answer}", methods=["GET", "PUT"])
    async def answer(answer: str, request: Request) -> Response:
        if answer == "refusal":
            return problem_response(request, REFUSED())
        content, status = CONTENTS.get(answer, ("", answer))
        return Response(content, int(status))

    return app


@pytest_asyncio.fixture
async def clients() -> AsyncIterator[Clients]:
    inner = httpx.ASGITransport(peer())
    peers = {"patron-api": "http://peer.test", "peer": "http://peer.test", "nowhere": "http://127.0.0.1:9"}
    made = Clients(peers, client_id="me", secret="s", transports={"peer": inner, "patron-api": inner})
    yield made
    await made.close()


async def failure(clients: Clients, call: Call[object], answer: str, service: str = "peer") -> PeerError:
    with pytest.raises(PeerError) as raised:
        await clients.call(service, call, answer=answer)
    return raised.value


async def test_a_question_goes_as_query_or_body_and_unknown_fields_of_the_answer_are_passed_over(clients):
    wanted = Wanted(after=7, names=["a b", "c&d"])
    assert await clients.call("peer", LOOK, wanted, place="x") == Found(after=7, names=["x", "a b", "c&d"])
    assert await clients.call("peer", CHANGE, wanted, place="x y?z") == Found(after=7, names=["x y?z"])


async def test_an_answer_without_content_is_none(clients):
    assert await clients.call("peer", KEEP, answer="204") is None


async def test_the_token_goes_only_where_it_is_needed(clients):
    assert await clients.call("peer", WITH_TOKEN) == "Bearer t"
    assert await clients.call("peer", ANYBODY) is None


@pytest.mark.parametrize("status", [401, 429, 502, 503, 504])
async def test_a_peer_that_cannot_work_now_is_away(clients, status):
    error = await failure(clients, READ, str(status))
    assert isinstance(error, PeerAwayError)
    assert (error.status, error.problem, str(error)) == (status, "", f"peer: {status}")


async def test_a_peer_that_is_not_there_is_away(clients):
    error = await failure(clients, READ, "200", service="nowhere")
    assert isinstance(error, PeerAwayError)
    assert (error.status, str(error)) == (0, "nowhere: ConnectError")


async def test_a_refusal_of_the_service_itself_is_told_from_a_page_of_a_gateway(clients):
    refusal, page = await failure(clients, READ, "refusal"), await failure(clients, READ, "gateway")
    assert (refusal.status, refusal.problem) == (404, "unknown-patron")
    assert (page.status, page.problem) == (404, "")
    assert not isinstance(refusal, PeerAwayError)


@pytest.mark.parametrize("answer", ["other", "text", "200", "204", "500", "gateway"])
async def test_nothing_of_an_answer_is_in_the_error(clients, answer):
    error = await failure(clients, READ, answer)
    assert not isinstance(error, PeerAwayError)
    said = "".join(traceback.format_exception(error)) + repr(error)
    assert "Karen" not in said.replace(__file__, "")
    assert error.__context__ is None


async def test_a_call_is_asked_only_with_its_own_model(clients):
    for call, asked in ((LOOK, None), (LOOK, Found(after=1, names=[])), (READ, Wanted())):
        with pytest.raises(TypeError):
            await clients.call("peer", call, asked, answer="200", place="x")
    with pytest.raises(KeyError):
        await clients.call("stranger", READ, answer="200")
