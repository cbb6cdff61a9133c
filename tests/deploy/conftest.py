"""The deployment's files, read once; and the services as the Compose file would start them."""

import base64
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from fastapi import FastAPI

from embedded.services import SERVICES, Service
from glem.transport.local import LocalTransport
from glem_local.postgres import PostgresServer
from glem_retention.runtime import Runtime

ROOT = Path(__file__).parents[2]
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]*\}")
SAMPLE = {
    "GLEM_BOOTSTRAP_ADMIN": "admin:secret@DK-725900,admin:secret@DK-767100",
    "GLEM_LOG_KEY": base64.b64encode(bytes(range(32))).decode(),
}


@dataclass(frozen=True)
class Started:
    """A service as its container starts it: the class of its settings, its application, its figures."""

    service: Service
    environment: dict[str, str]
    app: FastAPI
    runtime: Runtime


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="session")
def interpolated(compose) -> dict[str, Any]:
    """The file with a value for every variable that it requires."""
    text = REQUIRED.sub(lambda found: SAMPLE.get(found[1], "sample"), (ROOT / "docker-compose.yml").read_text())
    return yaml.safe_load(text)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A folder in which deploy/make-env has been run."""
    if shutil.which("openssl") is None:
        pytest.skip("deploy/make-env needs openssl")
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets", "kafka"))
    subprocess.run([folder / "deploy" / "make-env"], check=True, capture_output=True, timeout=60)
    return folder


@pytest_asyncio.fixture(scope="session")
async def started(interpolated, postgres: PostgresServer) -> AsyncIterator[list[Started]]:
    """Each service with the settings of its container, but for what lies in the container: files, database, broker."""
    async with AsyncExitStack() as stack:
        found = []
        for service in SERVICES:
            environment = interpolated["services"][service.name]["environment"]
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                settings = service.settings()
            database = f"deploy_{service.database}"
            await postgres.create_database(database)
            here = {"database_url": postgres.url(database), "agencies": ROOT / "deploy" / "agencies", "kafka_ca": None}
            if "gateway_ca" in type(settings).model_fields:
                here["gateway_ca"] = None
            runtime = await Runtime.open(service.name, settings.model_copy(update=here), transport=LocalTransport())
            stack.push_async_callback(runtime.close)
            found.append(Started(service, environment, service.create_app(runtime), runtime))
        yield found
