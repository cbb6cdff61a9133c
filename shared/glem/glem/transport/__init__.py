"""The transport port: how recorded events reach the services that consume them. Two adapters pass one contract suite."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from glem_contracts.events import TOPICS


class Message(NamedTuple):
    """An event on its way. Messages with the same `key` keep their order."""

    topic: str
    key: str
    value: bytes


Deliver = Callable[[Sequence[Message]], Awaitable[None]]


class TransportError(Exception):
    """The transport could not take or bring messages now; trying again later is right."""


class TopicRetentionError(TransportError):
    """A topic would keep events longer than 7 days, or without end; the suite does not use it."""


class Transport(Protocol):
    """At least once, in order per key, to every group that has subscribed.

    `deliver` returns when what the messages say is durable with the consumer; only then are they done with. When it raises,
    the same messages come again.
    """

    def subscribe(self, group: str, topics: Sequence[str], deliver: Deliver) -> None:
        """Let `deliver` have every message of `topics`, once per `group`; before `start`."""

    async def start(self) -> None:
        """Connect, see to the topics, and begin to deliver; raises TopicRetentionError."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hand over `messages`; returns when they are safe, raises TransportError when they may not be."""

    def trouble(self) -> str | None:
        """Say what a person must mend before messages go on, or None while nothing is known."""

    async def lag(self) -> dict[str, int]:
        """Return how many messages each group of this process has yet to handle; raises TransportError."""

    async def rewind(self, group: str) -> None:
        """Let `group` have everything again that is still there; for a database that came from a backup."""

    async def taken(self) -> dict[str, int]:
        """Return how many messages each topic has ever taken; empty where none can be lost. Raises TransportError."""

    async def stop(self) -> None:
        """Finish what is in hand and disconnect."""


def check_topics(topics: Iterable[str]) -> None:
    """Raise TransportError for a topic that the suite does not know: nobody has seen to how long it is kept."""
    if unknown := sorted(set(topics) - set(TOPICS)):
        raise TransportError(f"unknown topic {unknown[0]}")
