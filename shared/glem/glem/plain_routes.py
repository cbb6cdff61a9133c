"""Plain routes: endpoints that take the `Request` and return a `Response`, for the few calls that a queue at a desk waits for.

A plain route is declared with its FastAPI router like any other, so that it is documented; its endpoint reads its bearer, its
headers and its body by itself. `build_app(plain=…)` lets Starlette serve that same endpoint, before FastAPI's own handling of
dependencies and included routers, which costs more than the rest of such a call. Served either way, the answer is the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Body = TypeVar("Body", bound=BaseModel)
Value = TypeVar("Value")
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class PlainHeader(Generic[Value]):
    """A header that a plain route reads when it is sent."""

    name: str
    values: TypeAdapter[Value]
    description: str


def documented_body(kind: type[BaseModel], *headers: PlainHeader[Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a plain route that reads a body of `kind`, and `headers`."""
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}},
        "parameters": [
            {
                "name": header.name,
                "in": "header",
                "required": False,
                "description": header.description,
                "schema": header.values.json_schema(),
            }
            for header in headers
        ],
    }


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return the JSON body; raises RequestValidationError, which is answered as FastAPI's own is (400 not-json, 422 malformed)."""
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body or not (media_type == "application/json" or media_type.endswith("+json")):
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _malformed(error, "body") from error


def read_header(request: Request, header: PlainHeader[Value]) -> Value | None:
    """Return the header, or None when it was not sent; raises RequestValidationError (422 malformed)."""
    given = request.headers.get(header.name)
    if given is None:
        return None
    try:
        return header.values.validate_python(given)
    except ValidationError as error:
        raise _malformed(error, "header", header.name) from error


def json_response(content: BaseModel, status: int = 200) -> Response:
    """Return `content`, which is already valid, as an answer in JSON."""
    return Response(content.__pydantic_serializer__.to_json(content), status, media_type="application/json")


def plain_routes(routers: Sequence[APIRouter], endpoints: Sequence[Endpoint]) -> list[Route]:
    """Return Starlette's route to each of `endpoints`, at the path and method that `routers` declare for it.

    Raises TypeError for one that FastAPI would do more for than to call it with the request: Starlette would not do that.
    """
    declared = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    found = [route for route in declared if route.endpoint in endpoints]
    for route in found:
        wanted = route.dependant
        if wanted.dependencies or wanted.body_params or wanted.query_params or wanted.header_params:
            message = f"{route.endpoint.__name__} is a plain route: it takes the request, and no dependency besides"
            raise TypeError(message)
    return [Route(route.path, route.endpoint, methods=list(route.methods or ())) for route in found]


def _malformed(error: ValidationError, *place: str) -> RequestValidationError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{**item, "loc": (*place, *item["loc"])} for item in found])
