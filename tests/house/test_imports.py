"""Imports go one way, and no slice is forgotten by the contracts that say so."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.tree import ROOT, SERVICES

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LAYERS = ["(routes) | (consumers)", "(actions)", "(store)", "(rules)", "(tables)"]


def test_the_contracts_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_service_is_under_the_contract_of_slices():
    [found] = [item for item in CONTRACTS["contracts"] if item["name"] == "inside a slice imports go down"]
    assert found["containers"] == [f"{package.name}.*" for package in SERVICES]
    assert found["layers"] == LAYERS


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
