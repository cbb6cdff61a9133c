"""One life in each composition, looked into before and after it is forgotten; the tests judge what was seen."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
import pytest_asyncio

from tests.conftest import broker_for
from tests.flows.library import Library
from tests.flows.suites import AnySuite, DistributedSuite, EmbeddedProcess

from .markers import make_word
from .sinks import Found, Place
from .story import Story

STRUER = "DK-767100"
MODES = [
    pytest.param("embedded", id="embedded"),
    pytest.param("distributed", id="distributed", marks=[pytest.mark.kafka, pytest.mark.distributed]),
]


@dataclass
class Seen:
    """What a life left, while it was kept, after it was forgotten, after the patron was erased, and after tables were written anew."""

    place: Place
    story: Story
    control: str = field(default_factory=lambda: f"i klar tekst {make_word()}")
    before: Found = field(default_factory=Found)
    after: Found = field(default_factory=Found)
    erased: Found = field(default_factory=Found)
    rewritten: Found = field(default_factory=Found)


@pytest_asyncio.fixture(scope="module", params=MODES)
async def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    home = tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "embedded":
        opened: AnySuite = EmbeddedProcess(home)
        await opened.start("all")
        yield Place(opened, home)
    else:
        kafka = home.parent / "kafka"
        found = await broker_for(request.config, kafka)
        opened = await DistributedSuite.open(home, found)
        yield Place(opened, home, kafka if (kafka / "records").exists() else None)
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def seen(place: Place) -> Seen:
    """Live the life once, and look."""
    story = Story(await Library(place.suite, STRUER, STRUER).open())
    seen = Seen(place, story)
    await story.plant()
    await story.go_wrong()
    await story.end()
    values = story.markers.values() | {"patron id": str(story.patron_id), "control": seen.control}
    await in_the_clear(place, seen.control)
    seen.before = await place.search(values)
    await story.forget()
    await delete_control(place)
    await vacuum(place, "VACUUM (ANALYZE)")
    seen.after = await place.search(values)
    await story.be_erased()
    await vacuum(place, "VACUUM (ANALYZE)")
    seen.erased = await place.search(values)
    await vacuum(place, "VACUUM (FULL, ANALYZE)")
    await recycle(place)
    seen.rewritten = await place.search(values)
    return seen


async def in_the_clear(place: Place, text: str) -> None:
    """Keep a text, among others, as messages were before they were sealed, so that it is seen what deletion alone leaves."""
    connection = await asyncpg.connect(place.suite.databases["notifier"])
    await connection.execute("CREATE TABLE control (text text)")
    for number in range(41):
        await connection.execute("INSERT INTO control VALUES ($1)", text if number == 20 else f"en nabo {number:>20}")
    await connection.close()


async def delete_control(place: Place) -> None:
    connection = await asyncpg.connect(place.suite.databases["notifier"])
    await connection.execute("DELETE FROM control WHERE text NOT LIKE 'en nabo%'")
    await connection.close()


async def vacuum(place: Place, statement: str) -> None:
    for url in place.suite.databases.values():
        if url:
            connection = await asyncpg.connect(url)
            await connection.execute(statement, timeout=120)
            await connection.close()


async def recycle(place: Place) -> None:
    """Let PostgreSQL go through its WAL as it does by itself in time."""
    connection = await asyncpg.connect(place.suite.databases["notifier"])
    for _ in range(3):
        await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT")
    await connection.close()
