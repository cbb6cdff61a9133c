"""A database with an outbox and one table of a toy service."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from glem.clock import SystemClock
from glem.database import Database
from tests.shared.toys import SERVICE, make_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest.fixture
async def database_url(fresh_database: Callable[[], Awaitable[str]]) -> str:
    """The address of an empty database with the toy service's tables."""
    url = await fresh_database()
    await make_tables(url)
    return url


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
