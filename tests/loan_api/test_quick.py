"""The short way answers as FastAPI does; only faster."""

from datetime import date
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from glem.problems import NO_TOKEN, NOT_FOUND, RefusedError
from glem.service import _answer_problems
from loan_api.quick import ShortWay, answer

Code = Annotated[str, StringConstraints(pattern=r"^\S{1,10}$")]
JSON = {"content-type": "application/json"}


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    item: Code
    count: int = 1
    at: AwareDatetime | date | None = None


async def bearer(request: Request) -> str:
    if "authorization" not in request.headers:
        raise RefusedError(NO_TOKEN())
    return request.headers["authorization"]


router = APIRouter()


@router.post("/wishes", response_model=Wish, status_code=201)
async def make(
    wish: Wish,
    who: Annotated[str, Depends(bearer)],
    key: Annotated[Code | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    if wish.item == "gone":
        raise RefusedError(NOT_FOUND())
    return answer(wish.model_copy(update={"item": f"{wish.item}{who}{key}"}), 201)


def app_of(*, short: bool) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    _answer_problems(app)
    if short:
        app.add_middleware(ShortWay, routers=[router], endpoints=[make])
    return app


async def ask(app: FastAPI, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.request(method, path, content=content, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "content", "headers"),
    [
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a", "at": "2026-01-02"}', {"authorization": "b", "idempotency-key": "k"}),
        ("POST", "/wishes", b'{"item": "a", "at": "2026-01-02T03:04:05Z"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "gone"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a"}', {}),
        ("POST", "/wishes", b'{"item": "a b", "count": "x", "at": "y", "z": 1}', {"authorization": "b"}),
        ("POST", "/wishes", b"{}", {"authorization": "b", "idempotency-key": "not a code"}),
        ("POST", "/wishes", b"{}", {}),
        ("POST", "/wishes", b"[]", {"authorization": "b"}),
        ("POST", "/wishes", b"null", {"authorization": "b"}),
        ("POST", "/wishes", b"", {"authorization": "b"}),
        ("POST", "/wishes", b"{", {"authorization": "b"}),
        ("POST", "/wishes", b"{", {}),
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b", "content-type": "application/vnd.x+json"}),
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b", "content-type": "text/plain"}),
        ("POST", "/wishes/", b'{"item": "a"}', {"authorization": "b"}),
        ("GET", "/wishes", b"", {}),
    ],
)
async def test_an_answer_is_the_same_both_ways(method, path, content, headers):
    short, long = [await ask(app_of(short=short), method, path, content, JSON | headers) for short in (True, False)]

    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert short.headers.get("content-type") == long.headers.get("content-type")


async def test_bytes_that_are_no_text_are_no_json():
    refused = await ask(app_of(short=True), "POST", "/wishes", b'{"item": "\xff"}', JSON | {"authorization": "b"})

    assert (refused.status_code, refused.json()["type"]) == (400, "urn:glem:problem:not-json")


async def test_a_route_on_the_short_way_is_documented():
    documented = app_of(short=True).openapi()["paths"]["/wishes"]["post"]

    assert documented["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith("/Wish")


def test_an_endpoint_that_needs_more_is_refused_at_once():
    other = APIRouter()

    @other.get("/things/{thing}")
    async def show(thing: int) -> Response:
        return Response(str(thing))

    with pytest.raises(TypeError, match="thing cannot be had on the short way"):
        ShortWay(FastAPI(), routers=[other], endpoints=[show])
