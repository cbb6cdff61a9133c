"""The transport within one process: from each service's outbox directly to the consumers.

`publish` returns when every subscribed group has handled the messages, so the relay marks only handled rows as published. After a
crash the other rows are delivered again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from glem.transport import Deliver, Message, TransportError, check_topics


class LocalTransport:
    """In-process delivery; one instance is shared by all services of the process."""

    def __init__(self) -> None:
        """Begin with no subscriptions."""
        self.sources: list[Callable[[], Awaitable[int]]] = []
        """Outboxes that can be asked to send again."""
        self._groups: dict[str, Deliver] = {}
        self._subscribed: dict[str, set[str]] = defaultdict(set)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, int] = defaultdict(int)

    def subscribe(self, group: str, topics: Sequence[str], deliver: Deliver) -> None:
        """Deliver every message of `topics` to `deliver`; a group has one `deliver`."""
        check_topics(topics)
        self._groups[group] = deliver
        for topic in topics:
            self._subscribed[topic].add(group)

    async def start(self) -> None:
        """Do nothing: there is no connection."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Deliver to every group and return when all have handled the messages."""
        check_topics(message.topic for message in messages)
        batches: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            for group in self._subscribed[message.topic]:
                batches[group].append(message)
        results = await asyncio.gather(*(self._deliver(*item) for item in batches.items()), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            text = f"{len(failures)} of {len(batches)} groups could not take the messages"
            raise TransportError(text) from failures[0]

    async def _deliver(self, group: str, batch: list[Message]) -> None:
        self._waiting[group] += len(batch)
        try:
            async with self._locks[group]:
                await self._groups[group](batch)
        finally:
            self._waiting[group] -= len(batch)

    def trouble(self) -> str | None:
        """Return None: nothing can stop a call within the process for long."""
        return None

    async def lag(self) -> dict[str, int]:
        """Return how many messages each group is handling or waiting for."""
        return dict(self._waiting)

    async def rewind(self, group: str) -> None:
        """Deliver everything again to all groups; it changes nothing for the other groups."""
        del group
        for send_again in self.sources:
            await send_again()

    async def taken(self) -> dict[str, int]:
        """Return nothing: no message is stored here."""
        return {}

    async def stop(self) -> None:
        """Do nothing: there is no connection."""
