"""The transport port: how recorded events reach the services that consume them. Two adapters pass one contract suite."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from glem_contracts.events import TOPICS


class Message(NamedTuple):
    """An event being sent. Messages with the same `key` keep their order."""

    topic: str
    key: str
    value: bytes


Deliver = Callable[[Sequence[Message]], Awaitable[None]]


class TransportError(Exception):
    """The transport cannot send or deliver messages now; the caller should try again later."""


class TopicRetentionError(TransportError):
    """A topic keeps events longer than 7 days; the suite does not use it."""


class Transport(Protocol):
    """Delivers at least once, in order per key, to every subscribed group.

    `deliver` returns when the consumer has committed the messages' effects; only then do they count as delivered. When it
    raises, the same messages are delivered again.
    """

    def subscribe(self, group: str, topics: Sequence[str], deliver: Deliver) -> None:
        """Deliver every message of `topics` to `deliver`, once per `group`; call it before `start`."""

    async def start(self) -> None:
        """Connect, create or check the topics, and begin to deliver; raises TopicRetentionError."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send `messages`; return when they are stored durably, raise TransportError when they may not be."""

    def trouble(self) -> str | None:
        """Return the fault that a person must repair before messages are delivered, or None."""

    async def lag(self) -> dict[str, int]:
        """Return how many messages each group of this process has yet to handle; raises TransportError."""

    async def rewind(self, group: str) -> None:
        """Deliver to `group` everything again that is still stored; for a database that came from a backup."""

    async def taken(self) -> dict[str, int]:
        """Return how many messages each topic has ever stored; empty where none can be lost. Raises TransportError."""

    async def stop(self) -> None:
        """Finish the present deliveries and disconnect."""


def check_topics(topics: Iterable[str]) -> None:
    """Raise TransportError for a topic that the suite does not know: its retention is not controlled."""
    if unknown := sorted(set(topics) - set(TOPICS)):
        raise TransportError(f"unknown topic {unknown[0]}")
