"""Finding what the slices of a service declare, so that a new slice need not be named a second time."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from fastapi import APIRouter


def modules_of(package: ModuleType, name: str) -> list[ModuleType]:
    """Import the module `name` of every slice of a service that has one, in the order of the slices' names."""
    slices = sorted(each.name for each in iter_modules(package.__path__) if each.ispkg)
    paths = [f"{package.__name__}.{each}.{name}" for each in slices]
    return [import_module(path) for path in paths if find_spec(path) is not None]


def routers_in(package: ModuleType) -> list[APIRouter]:
    """Return the `router` of the `routes` of every slice."""
    return [module.router for module in modules_of(package, "routes")]
