"""The consumer of one service: parses events, and gives them to handlers in a transaction.

The risk. A lost event can keep a record for ever, a half-applied one leaves two tables that disagree, and one bad event must not
stop the thousands behind it.

The principle. The transport delivers each event at least once, perhaps late and out of order. So a handler must reach the same
state whatever the order and however often an event arrives: it compares versions, or inserts what may exist already. `deliver`
returns when all its messages are done with, and only then does the transport count them as delivered.

The transaction. Consecutive events for one handler are one transaction: the handler's changes, and the events that it records,
commit together. If that fails, each event is tried in a transaction of its own, so that a bad one fails alone.

What is tried again. While the database or another service does not answer, two transactions deadlock, or the handler raises
LaterError, the event is tried without end (waits of 0.05 to 5 seconds): skipping it would break the order of its record, and the
events behind it would fail too. Any other failure is the event's own. After three tries, or at once if it cannot be parsed, the
event becomes a dead letter: its bytes are recorded in this service's outbox under `glem.dead-letters`, and the next is handled.
A record that it should have ended is found by the audit.

What a crash leaves. Before a commit: nothing. Between the commit and the transport's count: the same events are delivered again.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby

import asyncpg
import orjson
import structlog
from prometheus_client import Counter
from pydantic import create_model

from glem.clients import PeerAwayError
from glem.database import UNREACHABLE, Database, Transaction
from glem.tracing import enter_trace
from glem.transport import Message
from glem_contracts.events import DEAD_LETTERS, EVENT_TYPES, DeadLettered
from glem_contracts.events.envelope import Event, EventData

log = structlog.get_logger(__name__)

Handler = Callable[[Transaction, Sequence[Event]], Awaitable[None]]
TRIES = 3
LARGEST_LETTER = 500_000
RETRYABLE = (
    *UNREACHABLE,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InsufficientResourcesError,
    PeerAwayError,
)


class LaterError(Exception):
    """A handler cannot handle a valid event yet; it is tried again until it can."""


class Consumer:
    """Delivers a batch of messages to the handlers of one group."""

    def __init__(
        self, group: str, database: Database, handlers: Mapping[type[EventData], Handler], dead: Counter
    ) -> None:
        """Handle the event types in `handlers` (and their subclasses) and skip all others."""
        self._group = group
        self._database = database
        self._dead = dead
        self._handlers = {
            name: handler
            for name, event_type in EVENT_TYPES.items()
            for wanted, handler in handlers.items()
            if issubclass(event_type, wanted)
        }
        self.topics = sorted({EVENT_TYPES[name].topic for name in self._handlers})

    async def deliver(self, messages: Sequence[Message]) -> None:
        """Handle `messages`; return when each is handled, skipped or a dead letter, and all of that is committed."""
        events: list[tuple[Event, Message]] = []
        for message in messages:
            try:
                event = parse_event(message.value)
            except ValueError as error:
                await self._put_aside(message, type(error).__name__)
            else:
                if event.type in self._handlers:
                    events.append((event, message))
        for handler, run in groupby(events, key=lambda pair: self._handlers[pair[0].type]):
            await self._handle_run(handler, list(run))

    async def _handle_run(self, handler: Handler, run: list[tuple[Event, Message]]) -> None:
        try:
            await self._handle(handler, [event for event, _ in run])
        except Exception as error:  # noqa: BLE001  one bad event must not stop the others: each is tried alone below
            log.info("batch_split", group=self._group, size=len(run), kind=type(error).__name__)
            for event, message in run:
                await self._handle_one(handler, event, message)

    async def _handle_one(self, handler: Handler, event: Event, message: Message) -> None:
        failures = 0
        waited = 0.05
        while True:
            try:
                await self._handle(handler, [event])
            except Exception as error:  # noqa: BLE001  an unforeseen failure becomes a dead letter
                if isinstance(error, (LaterError, *RETRYABLE)):
                    await asyncio.sleep(waited)
                    waited = min(5.0, waited * 2)
                    continue
                failures += 1
                log.warning(
                    "event_failed",
                    group=self._group,
                    event_id=event.id,
                    type=event.type,
                    kind=type(error).__name__,
                )
                if failures >= TRIES:
                    await self._put_aside(message, type(error).__name__)
                    return
            else:
                return

    async def _handle(self, handler: Handler, events: list[Event]) -> None:
        traces = {event.traceparent for event in events}
        enter_trace(traces.pop() if len(traces) == 1 else None)
        async with self._database.transaction() as tx:
            await handler(tx, events)

    async def _put_aside(self, message: Message, reason: str) -> None:
        self._dead.inc()
        log.error("dead_letter", group=self._group, topic=message.topic, reason=reason)
        if message.topic == DEAD_LETTERS:
            return
        letter = DeadLettered(
            group=self._group,
            origin=message.topic,
            reason=reason,
            payload=base64.b64encode(message.value[:LARGEST_LETTER]).decode(),
        )
        while True:
            try:
                async with self._database.transaction() as tx:
                    tx.record("-", message.key.replace("\0", ""), letter)
            except RETRYABLE:
                await asyncio.sleep(0.5)
            else:
                return


def parse_event(value: bytes) -> Event:
    """Read an envelope and its data; raises ValueError (pydantic's included) when it is not a known event."""
    envelope = orjson.loads(value)
    typed = ENVELOPES.get(envelope.get("type")) if isinstance(envelope, dict) else None
    if typed is None:
        message = "unknown event type"
        raise ValueError(message)
    event = typed.model_validate_json(value)
    if event.specversion != "1.0" or event.source.count("/") != 2:
        message = "not an envelope of this suite"
        raise ValueError(message)
    return event


# One model per event, so that JSON becomes a typed event in a single pass.
ENVELOPES: dict[object, type[Event]] = {
    name: create_model(f"{name}Envelope", __base__=Event, data=(event_type, ...))
    for name, event_type in EVENT_TYPES.items()
}
