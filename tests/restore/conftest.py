"""One drill for each test: a database that came back once is not the same any more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.restore.drill import Drill
from tests.retention_worker.conftest import worker

__all__ = ["worker"]


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    opened = Drill(tmp_path)
    try:
        yield await opened.open()
    finally:
        await opened.suite.close()
