"""One house for all of these tests; each plants records of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.conformance.house import House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    opened = await House.open(tmp_path_factory.mktemp("conformance"))
    yield opened
    await opened.close()
