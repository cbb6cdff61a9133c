"""Imports go one way, and no slice is forgotten by the contracts that say so."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT, SERVICES

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LAYERS = ["(routes) | (consumers)", "(actions)", "(store)", "(rules)", "(tables)"]
OF_A_SLICE = {"routes", "consumers", "actions", "rules", "store", "tables"}


def slices(package: Path) -> set[str]:
    """The folders of a service that have a file of a slice."""
    return {
        f"{package.name}.{folder.name}"
        for folder in package.iterdir()
        if folder.is_dir() and OF_A_SLICE & {file.stem for file in folder.glob("*.py")}
    }


def contract(package: str) -> dict[str, object]:
    [found] = [item for item in CONTRACTS["contracts"] if item["name"] == f"slices of {package} import downwards"]
    return found


def test_the_contracts_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("package", SERVICES, ids=lambda package: package.name)
def test_every_slice_is_in_its_contract(package: Path):
    found = contract(package.name)
    missing = slices(package) - set(found["containers"])
    assert not missing, f"add to the containers of '{found['name']}' in pyproject.toml: {sorted(missing)}"
    gone = set(found["containers"]) - slices(package)
    assert not gone, f"take out of the containers of '{found['name']}': {sorted(gone)}"
    assert found["layers"] == LAYERS


def test_a_slice_that_is_missing_would_be_found(tmp_path: Path):
    package = tmp_path / "toy_api"
    (package / "toys").mkdir(parents=True)
    (package / "data").mkdir()
    (package / "toys" / "rules.py").touch()
    (package / "data" / "words.py").touch()
    assert slices(package) == {"toy_api.toys"}


def test_every_package_is_under_the_contracts():
    packages = {
        file.parent.name
        for room in ("services", "shared", "deploy")
        for file in (ROOT / room).glob("*/*/__init__.py")
        if (file.parents[1] / "pyproject.toml").exists()
    }
    assert set(CONTRACTS["root_packages"]) == packages


def test_the_oracle_shares_no_code_with_what_it_judges():
    judged = set(CONTRACTS["root_packages"])
    for file in (ROOT / "tests" / "proving" / "oracle").glob("*.py"):
        if file.name.startswith("test_") or file.name == "story.py":
            continue
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & judged, f"{file.name} imports {sorted(imported & judged)}"
