"""A database with an outbox and one table of a toy service."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest_asyncio

from glem.clock import SystemClock
from glem.database import Database
from tests.glem.toys import SERVICE, make_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from glem_local.postgres import PostgresServer


@pytest_asyncio.fixture(scope="session")
async def toy_url(postgres: PostgresServer) -> str:
    """The address of one database for all these tests; a new one each would take longer than they do."""
    name = f"toys_{secrets.token_hex(4)}"
    await postgres.create_database(name)
    await make_tables(postgres.url(name))
    return postgres.url(name)


@pytest_asyncio.fixture
async def database_url(toy_url: str) -> str:
    """The address of a database whose tables are empty."""
    connection = await asyncpg.connect(toy_url)
    await connection.execute("TRUNCATE outbox, thing")
    await connection.close()
    return toy_url


@asynccontextmanager
async def opened(url: str, **options) -> AsyncIterator[Database]:
    database = await Database.open(url, SERVICE, options.pop("clock", SystemClock()), **options)
    try:
        yield database
    finally:
        await database.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as database:
        yield database
