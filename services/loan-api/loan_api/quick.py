"""The short way to the routes that a desk waits for: what FastAPI would do for such a route, and nothing else.

A route on the short way stays declared with its router, which documents it and answers whatever is unusual. Its endpoint takes
dependencies of the request alone, one body, and headers; and returns a Response.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import orjson
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends, Header
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Endpoint = Callable[..., Awaitable[Response]]
JSON = b"application/json"


def answer(content: BaseModel, status: int = 200) -> Response:
    """Return `content`, which is already valid, as an answer in JSON."""
    return Response(content.__pydantic_serializer__.to_json(content), status, media_type="application/json")


class ShortWay:
    """Middleware that answers `endpoints` (declared in `routers`) by itself and passes on all else.

    The application's own handlers turn exceptions into answers; one that they do not know goes on upwards.
    """

    def __init__(self, app: ASGIApp, *, routers: Iterable[APIRouter], endpoints: Sequence[Endpoint]) -> None:
        self._app = app
        self._calls = {
            (method, route.path): _Call(route.endpoint)
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute) and route.endpoint in endpoints
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        call = self._calls.get((scope["method"], _path_of(scope))) if scope["type"] == "http" else None
        if call is None or (JSON not in (value for name, value in scope["headers"] if name == b"content-type")):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await call(request, await _body_of(receive))
        except Exception as error:
            handlers = scope["app"].exception_handlers
            handler = next((handlers[kind] for kind in type(error).__mro__[:-2] if kind in handlers), None)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)


class _Call:
    """An endpoint, and what to give to it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._dependencies: list[tuple[str, Callable[[Request], Awaitable[object]]]] = []
        self._headers: list[tuple[str, str, TypeAdapter[Any], object]] = []
        self._body: tuple[str, TypeAdapter[Any]] | None = None
        defaults = inspect.signature(endpoint).parameters
        for name, hint in get_type_hints(endpoint, include_extras=True).items():
            kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            mark = next((mark for mark in marks if isinstance(mark, (Depends, Header))), None)
            if name == "return":
                continue
            if isinstance(mark, Depends) and mark.dependency is not None:
                self._dependencies.append((name, mark.dependency))
            elif isinstance(mark, Header) and mark.alias:
                self._headers.append((name, mark.alias, TypeAdapter(kind), defaults[name].default))
            elif isinstance(kind, type) and issubclass(kind, BaseModel) and self._body is None:
                self._body = (name, TypeAdapter(kind))
            else:
                message = f"{endpoint.__name__}: {name} cannot be had on the short way"
                raise TypeError(message)

    async def __call__(self, request: Request, body: bytes) -> Response:
        """Call the endpoint; raises RequestValidationError, and what the dependencies and the endpoint raise."""
        content = _read_json(body) if self._body is not None and body else None
        values = {name: await depend(request) for name, depend in self._dependencies}
        errors: list[dict[str, Any]] = []
        for name, alias, adapter, default in self._headers:
            given = request.headers.get(alias)
            values[name] = default if given is None else _valid(adapter, given, ("header", alias), errors)
        if self._body is not None:
            name, adapter = self._body
            if body:
                values[name] = _valid(adapter, content, ("body",), errors)
            else:
                errors.append({"type": "missing", "loc": ("body",), "msg": "Field required"})
        if errors:
            raise RequestValidationError(errors)
        return await self._endpoint(**values)


def _path_of(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


async def _body_of(receive: Receive) -> bytes:
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _read_json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        found = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([found]) from error


def _valid(adapter: TypeAdapter[Any], value: object, place: tuple[str, ...], errors: list[dict[str, Any]]) -> object:
    try:
        return adapter.validate_python(value, from_attributes=True)
    except ValidationError as error:
        errors += [
            {**found, "loc": (*place, *found["loc"])}
            for found in error.errors(include_url=False, include_context=False)
        ]
        return None
