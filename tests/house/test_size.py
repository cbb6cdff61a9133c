"""Modules stay small enough to be read, and each package of `shared` says at its head who needs it."""

from __future__ import annotations

import ast

import pytest

from tests.house.tree import ROOT, files

LARGEST_MODULE = 400
ROOMS = ("shared", "services", "tests", "benchmarks", "deploy")
SHARED = sorted(path.parent for path in (ROOT / "shared").glob("*/*/__init__.py"))


def test_no_module_is_longer_than_one_can_take_in():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS
    }
    assert len(lengths) > 50
    too_long = [f"{name}: {length} lines" for name, length in sorted(lengths.items()) if length > LARGEST_MODULE]
    assert not too_long, "split these:\n" + "\n".join(too_long)


@pytest.mark.parametrize("package", SHARED, ids=lambda package: package.name)
def test_a_shared_package_says_who_needs_it(package):
    head = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert head, f"{package.name}/__init__.py needs a docstring"
    assert "Needed by" in head, f"{package.name}/__init__.py: say who needs the package (`Needed by …`)"


def test_all_shared_packages_are_seen():
    assert [package.name for package in SHARED] == ["glem", "glem_contracts", "glem_retention", "glem_verify"]
