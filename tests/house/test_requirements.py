"""The requirements files name what our packages, tests and benchmarks import: what runs in one, the rest in the other."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from tests.house.packages import distributions_of, imported, named_in, packages, runtime
from tests.house.tree import ROOT

TOOLS = {
    "asyncpg-stubs": "types for mypy",
    "check-jsonschema": "the schema of Compose files that it carries (tests/deploy)",
    "import-linter": "make lint",
    "mypy": "make lint",
    "pytest-timeout": "a plug-in of pytest, by `timeout` in pyproject.toml",
    "ruff": "make lint, make format",
    "types-jsonschema": "types for mypy",
    "types-psutil": "types for mypy",
    "types-python-jose": "types for mypy",
    "types-pyyaml": "types for mypy",
}
"""What requirements-dev.in names though no line imports it, and what it is for."""


def test_requirements_in_names_what_the_packages_that_run_declare():
    ours = {canonicalize_name(package.name) for package in packages()}
    needed: dict[str, set[str]] = {}
    for package in runtime():
        for name, requirement in package.declared.items():
            if name not in ours:
                needed.setdefault(name, set()).update(requirement.extras)
    named = named_in(ROOT / "requirements.in")
    assert not (missing := needed.keys() - named.keys()), f"add to requirements.in, then make lock: {sorted(missing)}"
    assert not (gone := named.keys() - needed.keys()), (
        f"take out of requirements.in, for no package that runs declares it, then make lock: {sorted(gone)}"
    )
    assert dict(named) == needed, "the extras in requirements.in are not those that the packages declare"


def test_requirements_dev_in_names_what_a_workshop_imports_besides():
    ours = {canonicalize_name(package.name) for package in packages()}
    named = named_in(ROOT / "requirements-dev.in")
    running = named_in(ROOT / "requirements.in")
    loose = imported([path for room in ("tests", "benchmarks") for path in sorted((ROOT / room).rglob("*.py"))])
    needed = {name for package in packages() for name in package.declared if name not in ours}
    for module, path in loose.items():
        names = distributions_of().get(module, set())
        if module in {"tests", "benchmarks"} or names & ours:
            continue
        assert names & (named.keys() | running.keys()), (
            f"add {' or '.join(sorted(names)) or module} to requirements-dev.in, for {path.name} imports it; then make lock"
        )
        needed |= names & named.keys()
    needed -= running.keys()
    assert not (missing := needed - named.keys()), f"add to requirements-dev.in, then make lock: {sorted(missing)}"
    assert not (gone := named.keys() - needed - TOOLS.keys()), (
        f"take out of requirements-dev.in, for nothing imports it (or say in TOOLS what it is for): {sorted(gone)}"
    )
    assert not (gone := TOOLS.keys() - named.keys()), f"take out of TOOLS: {sorted(gone)}"
    assert not (twice := named.keys() & running.keys()), f"requirements.in has them already: {sorted(twice)}"
