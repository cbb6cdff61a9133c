"""Both transports, each behind the same three verbs: make, open, forget."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from glem.transport import Message, Transport
from glem.transport.kafka import KafkaTransport
from glem.transport.local import LocalTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from glem_local.broker import Broker


@dataclass
class Group:
    """A consumer that keeps what it has handled; `failures` are raised first, `open` holds it back."""

    name: str
    mark: str
    handled: list[Message] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def deliver(self, messages: Sequence[Message]) -> None:
        await self.gate.wait()
        # A broker that is shared holds the messages of other tests too.
        mine = [message for message in messages if message.key.startswith(self.mark)]
        if mine and self.failures:
            raise self.failures.pop(0)
        await asyncio.sleep(0)
        self.handled.extend(mine)
        if mine:
            self.batches.append(len(mine))

    def values(self, key: str | None = None) -> list[bytes]:
        return [message.value for message in self.handled if key is None or message.key == key]


class Bench:
    """Makes transports of one kind, groups and messages that no other test has."""

    def __init__(self, kind: str, bootstrap: str = "") -> None:
        self.kind = kind
        self.bootstrap = bootstrap
        self.mark = secrets.token_hex(6)

    def key(self, name: object) -> str:
        return f"{self.mark}-{name}"

    def message(self, value: bytes = b"x", *, key: object = 1, topic: str = "glem.loans") -> Message:
        return Message(topic, self.key(key), value)

    def group(self, name: str = "group") -> Group:
        return Group(f"test-{self.mark}-{name}", self.mark)

    def transport(self) -> Transport:
        return KafkaTransport(self.bootstrap, partitions=3) if self.kind == "kafka" else LocalTransport()

    @asynccontextmanager
    async def opened(self, *groups: Group, topics: Sequence[str] = ("glem.loans",)) -> AsyncIterator[Transport]:
        """A process with `groups`, until the block ends."""
        transport = self.transport()
        for group in groups:
            transport.subscribe(group.name, topics, group.deliver)
        await transport.start()
        try:
            yield transport
        finally:
            await transport.stop()


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "local":
        return Bench("local")
    broker: Broker = request.getfixturevalue("broker")
    return Bench("kafka", broker.bootstrap)


@pytest.fixture
def kafka(broker: Broker) -> Bench:
    return Bench("kafka", broker.bootstrap)
