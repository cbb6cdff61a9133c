"""The real things that tests run on: a PostgreSQL server, and the best Kafka broker of this machine."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from glem.migrations import upgrade
from glem_local.apache_kafka import DEFAULT_CACHE
from glem_local.broker import Broker, BrokerError, find_broker
from glem_local.postgres import PostgresServer, temporary_postgres
from glem_local.postgres_programs import remove_below

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from sqlalchemy import MetaData

# A broker of tests lives for seconds: compiling its code well would take longer than it saves.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
BROKER_KIND = pytest.StashKey[str]()


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave no server's files behind, wherever they lie."""
    yield
    remove_below(tmp_path_factory.getbasetemp())


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    async with temporary_postgres(hurried=True) as server:
        yield server


@pytest.fixture
def fresh_database(postgres: PostgresServer) -> Callable[[], Awaitable[str]]:
    """Calling it makes a new, empty database and returns its address."""

    async def make() -> str:
        name = f"test_{secrets.token_hex(8)}"
        await postgres.create_database(name)
        return postgres.url(name)

    return make


async def broker_for(config: pytest.Config, data: Path | None = None) -> Broker:
    """Start the best broker of this machine, and note which for the last line; skip the test where there is none."""
    try:
        found = await find_broker(DEFAULT_CACHE, data)
    except BrokerError as problem:
        config.stash[BROKER_KIND] = f"nothing. They were skipped: {problem}"
        pytest.skip(str(problem))
    config.stash[BROKER_KIND] = "\n  not: ".join((found.kind, *found.refusals))
    return found


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> Callable[[Path, MetaData], Awaitable[str]]:
    """Calling it with a service's migrations and tables makes a new database that has them, and returns its address.

    The migrations run once in this process; what is given away is a copy of what they made.
    """
    made: dict[Path, str] = {}

    async def make(migrations: Path, metadata: MetaData) -> str:
        if migrations not in made:
            made[migrations] = f"migrated_{secrets.token_hex(8)}"
            await postgres.create_database(made[migrations])
            await upgrade(postgres.url(made[migrations]), migrations, metadata)
        name = f"test_{secrets.token_hex(8)}"
        connection = await asyncpg.connect(postgres.url("postgres"))
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {made[migrations]}")
        await connection.close()
        return postgres.url(name)

    return make


@pytest_asyncio.fixture(scope="session")
async def broker(pytestconfig: pytest.Config) -> AsyncIterator[Broker]:
    found = await broker_for(pytestconfig)
    yield found
    await found.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    kind = config.stash.get(BROKER_KIND, None)
    terminalreporter.write_line(f"Kafka tests ran on: {kind or 'nothing, for none of them was chosen'}")
