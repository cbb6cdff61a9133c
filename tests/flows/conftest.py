"""The suites that the stories run on: one of each kind for all stories."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import broker_for

from .library import Library
from .suites import AnySuite, DistributedSuite, EmbeddedProcess

MODES = [
    pytest.param("embedded", id="embedded"),
    pytest.param("distributed", id="distributed", marks=[pytest.mark.kafka, pytest.mark.distributed]),
]


@pytest_asyncio.fixture(scope="package", params=MODES)
async def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AnySuite]:
    home = tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "embedded":
        opened: AnySuite = EmbeddedProcess(home)
        await opened.start("all")
    else:
        found = await broker_for(request.config, home.parent / "kafka")
        opened = await DistributedSuite.open(home, found)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="package")
async def koege(suite: AnySuite) -> Library:
    return await Library(suite, "DK-725900", "DK-725900").open()


@pytest_asyncio.fixture(scope="package")
async def struer(suite: AnySuite) -> Library:
    return await Library(suite, "DK-767100", "DK-767100").open()


@pytest_asyncio.fixture(scope="package")
async def aalborg(suite: AnySuite) -> Library:
    """The library whose policies change in the stories; the others keep theirs."""
    return await Library(suite, "DK-785100", "DK-785100").open()
