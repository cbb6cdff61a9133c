"""A plain route answers as FastAPI does for the same declaration, and is guarded and documented whoever serves it."""

from datetime import date
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, TypeAdapter

from glem.plain_routes import PlainHeader, documented_body, json_response, plain_routes, read_body, read_header
from glem.problems import NO_TOKEN, NOT_FOUND, RefusedError
from glem.service import _answer_problems

Code = Annotated[str, StringConstraints(pattern=r"^\S{1,10}$")]
KEY = PlainHeader("Idempotency-Key", TypeAdapter(Code), "Of the request.")
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


def make(wish: Wish, who: str, key: str | None) -> Response:
    if wish.item == "gone":
        raise RefusedError(NOT_FOUND())
    return json_response(wish.model_copy(update={"item": f"{wish.item}{who}{key}"}), 201)


plain = APIRouter()
usual = APIRouter()


@plain.post("/wishes", response_model=Wish, status_code=201, openapi_extra=documented_body(Wish, KEY))
async def make_plainly(request: Request) -> Response:
    who = await bearer(request)
    return make(await read_body(request, Wish), who, read_header(request, KEY))


@usual.post("/wishes", response_model=Wish, status_code=201)
async def make_as_usual(
    wish: Wish,
    who: Annotated[str, Depends(bearer)],
    key: Annotated[Code | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    return make(wish, who, key)


def app_of(router: APIRouter, *, by_starlette: bool = False) -> FastAPI:
    app = FastAPI()
    app.router.routes[:0] = plain_routes([router], [make_plainly] if by_starlette else [])
    app.include_router(router)
    _answer_problems(app)
    return app


APPS = {
    "starlette": app_of(plain, by_starlette=True),
    "fastapi": app_of(plain),
    "usual": app_of(usual),
}


async def ask(app: FastAPI, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.request(method, path, content=content, headers=headers)


@pytest.mark.parametrize("way", ["starlette", "fastapi"])
@pytest.mark.parametrize(
    ("method", "path", "content", "headers"),
    [
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a", "at": "2026-01-02"}', {"authorization": "b", "idempotency-key": "k"}),
        ("POST", "/wishes", b'{"item": "a", "at": "2026-01-02T03:04:05Z"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "gone"}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a"}', {}),
        ("POST", "/wishes", b'{"item": "a b", "count": "x", "at": "y", "z": 1}', {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b", "idempotency-key": "not a code"}),
        ("POST", "/wishes", b"{}", {}),
        ("POST", "/wishes", b"", {"authorization": "b"}),
        ("POST", "/wishes", b'{"item": "a"}', {"authorization": "b", "content-type": "application/vnd.x+json"}),
        ("POST", "/wishes/", b'{"item": "a"}', {"authorization": "b"}),
        ("GET", "/wishes", b"", {}),
    ],
)
async def test_an_answer_is_the_same_whoever_serves_the_route(way, method, path, content, headers):
    here, there = [await ask(APPS[each], method, path, content, JSON | headers) for each in (way, "usual")]

    assert (here.status_code, here.content) == (there.status_code, there.content)
    assert here.headers.get("content-type") == there.headers.get("content-type")


@pytest.mark.parametrize("way", ["starlette", "fastapi"])
@pytest.mark.parametrize("content", [b"{", b"null", b'{"item": "\xff"}'])
async def test_nobody_without_a_token_is_answered_what_is_wrong_with_a_body(way, content):
    refused = await ask(APPS[way], "POST", "/wishes", content, JSON)

    assert (refused.status_code, refused.json()["type"]) == (401, "urn:glem:problem:no-token")


@pytest.mark.parametrize("way", ["starlette", "fastapi"])
@pytest.mark.parametrize(
    ("content", "headers", "answer"),
    [
        (b"[]", {}, (422, "urn:glem:problem:malformed")),
        (b"null", {}, (422, "urn:glem:problem:malformed")),
        (b'{"item": "a"}', {"content-type": "text/plain"}, (422, "urn:glem:problem:malformed")),
        (b"{", {}, (400, "urn:glem:problem:not-json")),
        (b'{"item": "\xff"}', {}, (400, "urn:glem:problem:not-json")),
    ],
)
async def test_a_body_that_is_no_wish_is_refused_by_name(way, content, headers, answer):
    refused = await ask(APPS[way], "POST", "/wishes", content, JSON | {"authorization": "b"} | headers)

    assert (refused.status_code, refused.json()["type"]) == answer


def test_a_plain_route_is_documented_as_fastapi_documents_its_own():
    plainly, usually = [APPS[way].openapi()["paths"]["/wishes"]["post"] for way in ("starlette", "usual")]
    schemas = APPS["usual"].openapi()["components"]["schemas"]

    assert plainly["requestBody"]["content"]["application/json"]["schema"] == schemas["Wish"]
    assert plainly["responses"]["201"] == usually["responses"]["201"]
    assert [(one["in"], one["name"]) for one in plainly["parameters"]] == [("header", "Idempotency-Key")]


def test_a_plain_route_with_a_dependency_is_refused_when_the_service_starts():
    guarded = APIRouter()

    @guarded.post("/things", dependencies=[Depends(bearer)])
    async def make_thing(_request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match="make_thing is a plain route"):
        plain_routes([guarded], [make_thing])


def test_a_router_that_guards_its_plain_routes_is_refused_when_the_service_starts():
    guarded = APIRouter(dependencies=[Depends(bearer)])

    @guarded.post("/things")
    async def make_thing(_request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match="make_thing is a plain route"):
        plain_routes([guarded], [make_thing])
