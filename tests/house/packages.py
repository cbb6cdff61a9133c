"""The packages of the repository: what each declares in its pyproject.toml, and what its code imports."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT, files

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = (
    "shared/glem_contracts",
    "shared/glem",
    "shared/glem_retention",
    "services/patron-api",
    "services/loan-api",
    "services/notifier",
    "services/retention-worker",
)
"""The folders of the packages that run in production: the image holds these and no others."""


@dataclass(frozen=True)
class Package:
    """A package of ours. `declared` maps canonical names of distributions to their requirements."""

    folder: Path
    name: str
    modules: tuple[str, ...]
    declared: dict[str, Requirement]

    @classmethod
    def read(cls, folder: Path) -> Package:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        requirements = [Requirement(line) for line in project["project"]["dependencies"]]
        return cls(
            folder,
            project["project"]["name"],
            tuple(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]),
            {canonicalize_name(requirement.name): requirement for requirement in requirements},
        )

    def sources(self) -> list[Path]:
        return [path for module in self.modules for path in sorted((self.folder / module).rglob("*.py"))]


@cache
def packages() -> list[Package]:
    folders = (path.parent for path in files() if path.name == "pyproject.toml" and path.parent != ROOT)
    return [Package.read(folder) for folder in sorted(folders)]


def runtime() -> list[Package]:
    return [Package.read(ROOT / folder) for folder in RUNTIME]


def imported(sources: list[Path]) -> dict[str, Path]:
    """Each top-level module that `sources` import and Python does not bring, with one file that imports it."""
    found: dict[str, Path] = {}
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                found.setdefault(name.split(".")[0], path)
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names}


@cache
def distributions_of() -> dict[str, set[str]]:
    """The distributions, ours and the installed ones, that bring a top-level module."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, names in packages_distributions().items():
        found[module] |= {canonicalize_name(name) for name in names}
    for package in packages():
        for module in package.modules:
            found[module] = {canonicalize_name(package.name)}
    return found


def named_in(path: Path) -> dict[str, set[str]]:
    """The distributions that a requirements file names, with their extras."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line and not line.startswith("-"):
            requirement = Requirement(line)
            found[canonicalize_name(requirement.name)] |= requirement.extras
    return found
