"""A toy service, its events, and a transport that can be told to fail."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from glem.outbox import outbox_table
from glem.transport import Message, TransportError
from glem_contracts.events import ContactChanged
from glem_contracts.events.envelope import Event, EventData

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

SERVICE = "toy-api"
AGENCY = "DK-725900"
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


async def make_tables(url: str) -> None:
    """Make an outbox, and a table of things that a handler may change."""
    table = outbox_table(MetaData())
    dialect = postgresql.dialect()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        await connection.execute("CREATE TABLE thing (id bigint PRIMARY KEY, seen int NOT NULL DEFAULT 1)")
    finally:
        await connection.close()


def make_event(subject: int = 1, data: EventData | None = None) -> Event:
    data = data or ContactChanged(patron_id=subject)
    return Event.of(data, service=SERVICE, agency=AGENCY, subject=subject, time=NOW)


def message_of(event: Event) -> Message:
    return Message(event.data.topic, event.subject, event.to_json())


@dataclass
class FailingTransport:
    """Keeps what it was given. While `broken` it refuses; with `lose_answer` it takes a batch and yet says no, once."""

    sent: list[Message] = field(default_factory=list)
    broken: BaseException | None = None
    lose_answer: bool = False
    attempts: int = 0

    async def publish(self, messages: Sequence[Message]) -> None:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken
        self.sent.extend(messages)
        if self.lose_answer:
            self.lose_answer = False
            raise TransportError("the answer was lost")

    def keys(self) -> list[str]:
        return [message.key for message in self.sent]

    async def taken(self) -> dict[str, int]:
        return Counter(message.topic for message in self.sent)


async def until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Wait for `condition` (which may be a coroutine function), at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*jobs: Coroutine[object, object, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run `jobs` beside the block, and end them with it."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
