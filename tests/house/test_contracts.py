"""Services ask each other by declared calls alone, the owner's route answers as declared, and no model is kept twice by hand."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from itertools import combinations
from typing import Any, get_args, get_origin

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, create_model
from sqlalchemy import MetaData
from sqlmodel import SQLModel

import glem_contracts
from glem_contracts.calls import Call
from glem_contracts.closing import CLOSE, Closing
from glem_contracts.contacts import RESOLVE_CONTACTS, ContactsWanted, ReachablePatron
from glem_contracts.holds import NamedRecords
from glem_contracts.purposes import READ_PURPOSES, Purpose
from glem_contracts.remains import Remains
from glem_retention.disposals import disposal_router
from glem_retention.purposes import purposes_router
from tests.house.tree import ROOT, SERVICES

# Modules that speak HTTP by themselves, and why that is no call to another service.
SPEAK_HTTP = {
    "shared/glem/glem/clients.py": "makes the declared calls",
    "shared/glem/glem/service.py": "names the type of a transport that a composition hands in",
    "shared/glem_retention/glem_retention/runtime.py": "names the type of a transport that a composition hands in",
    "services/notifier/notifier/sending/sms.py": "speaks to the SMS gateway, which is outside",
}
SMALLEST_COPY = 2


def modules_of(package: str) -> list[Any]:
    """Every module of a package, imported; without its command and its migrations."""
    found = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(found.__path__, f"{package}.")]
    return [found, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


def declared() -> dict[str, Call[Any]]:
    """Every declared call, by the name of its constant."""
    return {
        name: value
        for module in modules_of("glem_contracts")
        for name, value in vars(module).items()
        if isinstance(value, Call)
    }


def routes_of(service: str) -> list[APIRoute]:
    """The routes of a service, without building its application."""
    routers = [
        value
        for module in modules_of(service.replace("-", "_"))
        for value in vars(module).values()
        if isinstance(value, APIRouter)
    ]
    routers += [disposal_router({}), purposes_router(MetaData())]
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def says(answer: Any, declared_answer: Any) -> bool:
    """Whether an owner's answer is what is declared, or a subclass that says more."""
    if get_origin(answer) is list and get_origin(declared_answer) is list:
        return says(get_args(answer)[0], get_args(declared_answer)[0])
    both_are_models = isinstance(answer, type) and isinstance(declared_answer, type)
    return answer == declared_answer or (both_are_models and issubclass(answer, declared_answer))


def complaints(call: Call[Any], routes: list[APIRoute]) -> list[str]:
    """Say how the owner's routes differ from a declared call."""
    found = [route for route in routes if route.path == call.path and call.method in route.methods]
    if not found:
        return ["no such route"]
    [route] = {id(route.endpoint): route for route in found}.values()
    wrong = []
    if not says(route.response_model, call.answer._type):
        wrong.append(f"answers {route.response_model}, declared is {call.answer._type}")
    if call.answer._type is None and route.status_code != 204:
        wrong.append("an answer of None needs status 204")
    asked = call.asked if call.method != "GET" else None
    body = [param.field_info.annotation for param in route.dependant.body_params]
    if body != ([] if asked is None else [asked]):
        wrong.append(f"is asked with {body}, declared is {asked}")
    query = {param.alias for param in route.dependant.query_params}
    fields = set(call.asked.model_fields) if call.asked is not None and call.method == "GET" else set()
    if query != fields:
        wrong.append(f"query has {sorted(query)}, declared are {sorted(fields)}")
    needs_token = any(hasattr(part.call, "scopes") for part in route.dependant.dependencies)
    if needs_token != call.with_token:
        wrong.append("a token is needed" if needs_token else "no token is needed")
    return wrong


@pytest.mark.parametrize("name", sorted(declared()))
def test_each_owner_answers_as_is_declared(name):
    call = declared()[name]
    assert call.owners
    for owner in call.owners:
        assert not (wrong := complaints(call, routes_of(owner))), f"{owner}, {call.method} {call.path}: {wrong}"


@pytest.mark.parametrize(
    ("call", "answer", "asked", "words"),
    [
        (RESOLVE_CONTACTS, list[ReachablePatron], ContactsWanted, ""),
        (RESOLVE_CONTACTS, list[create_model("More", __base__=ReachablePatron, news=(str, ...))], ContactsWanted, ""),
        (RESOLVE_CONTACTS, list[Remains], ContactsWanted, "answers"),
        (RESOLVE_CONTACTS, ReachablePatron, ContactsWanted, "answers"),
        (RESOLVE_CONTACTS, list[ReachablePatron], NamedRecords, "is asked with"),
        (CLOSE, Closing, NamedRecords, "is asked with"),
        (READ_PURPOSES, list[Purpose], None, ""),
    ],
)
def test_a_planted_route_that_differs_is_found(call, answer, asked, words):
    router = APIRouter()
    if asked is None:

        async def endpoint():
            pass
    else:

        async def endpoint(wanted):
            pass

        endpoint.__annotations__["wanted"] = asked
    router.add_api_route(call.path, endpoint, methods=[call.method], response_model=answer)
    found = [wrong for wrong in complaints(call, router.routes) if "token" not in wrong]
    assert words in "".join(found)
    assert bool(words) == bool(found)
    assert complaints(call, []) == ["no such route"]


def sources() -> list[tuple[str, ast.Module]]:
    """The modules of the services, and of what they are made of, parsed."""
    packages = [*SERVICES, *(ROOT / "shared" / name / name for name in ("glem", "glem_retention"))]
    files = [file for package in packages for file in sorted(package.rglob("*.py"))]
    return [(file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in files]


def test_every_declared_call_is_made():
    imported = {
        alias.name
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{glem_contracts.__name__}.")
        for alias in node.names
    }
    assert not (idle := declared().keys() - imported), f"take out of glem_contracts: {sorted(idle)}"


def test_nobody_speaks_http_to_another_service_beside_the_declared_calls():
    speaking = {
        place
        for place, tree in sources()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "httpx" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "httpx")
        or (isinstance(node, ast.Attribute) and node.attr == "_clients")
    }
    assert speaking == SPEAK_HTTP.keys(), "declare the call in glem_contracts and make it by `Clients.call`"


def models_of(package: str) -> list[type[BaseModel]]:
    """The pydantic models that a package defines; tables are each service's own."""
    found: dict[str, type[BaseModel]] = {}
    for module in modules_of(package):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and not issubclass(value, SQLModel):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [model for name, model in found.items() if name.startswith(f"{package}.")]


def copies(models: dict[str, list[type[BaseModel]]]) -> list[str]:
    """Say which models of different packages have one name, or one set of fields."""
    wrong = []
    for (one, its), (other, others) in combinations(models.items(), 2):
        for left in its:
            for right in others:
                fields = [
                    {name: str(field.annotation) for name, field in each.model_fields.items()} for each in (left, right)
                ]
                same = fields[0] == fields[1] and len(fields[0]) >= SMALLEST_COPY
                if left.__name__ == right.__name__ or same:
                    wrong.append(f"{one}: {left.__name__}, {other}: {right.__name__}")
    return wrong


def test_no_model_is_kept_by_hand_in_two_places():
    packages = [*(package.name for package in SERVICES), "glem_retention", "glem_contracts"]
    found = copies({package: models_of(package) for package in packages})
    assert not found, "move these to glem_contracts, or name them apart:\n" + "\n".join(found)


def test_a_planted_copy_is_found():
    same_fields = create_model("Left", forgotten=(bool, ...), records=(dict[str, int], ...))
    same_name = create_model("Remains", rows=(int, ...))
    for planted in (same_fields, same_name):
        assert copies({"toy_api": [planted], "glem_contracts": [Remains]}), planted
    other = create_model("Left", forgotten=(bool, ...))
    assert copies({"toy_api": [other], "glem_contracts": [Remains]}) == []
