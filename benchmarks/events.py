"""Outbox → broker → clock, against aiokafka alone that produces and consumes the same bytes in one process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.place import AGENCIES, Place
from benchmarks.table import Row, compared
from glem.clock import SystemClock
from glem.consuming import Consumer
from glem.database import Database, columns_of
from glem.ids import new_id
from glem.metrics import Metrics
from glem.migrations import upgrade
from glem.relay import Relay
from glem.transport import Message
from glem.transport.kafka import KafkaTransport
from glem_contracts.events import LOANS, LoanReturned
from glem_contracts.events.envelope import Event, EventData, RecordClock
from glem_retention.agencies import load_agencies
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.clocks.consumers import clock_handler
from retention_worker.register.rules import DuePolicy

EVENTS = 50_000
PARTITIONS = 6
LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Recorded:
    """An event as an outbox holds it."""

    key: str
    payload: bytes


async def measure(place: Place) -> list[Row]:
    """Return the row of this measurement."""
    events = make_events(place.sized(EVENTS, 200))
    ours, alone = [], []
    for _ in range(place.rounds):
        ours.append(len(events) / await through_glem(place, events))
        alone.append(len(events) / await through_aiokafka(place, events))
    size = sum(len(event.payload) for event in events) // len(events)
    what = f"outbox → broker → clock, events of {size} bytes"
    return [compared(what, "events/s", ours, alone, "aiokafka alone, the same bytes", "0.5 or more")]


def make_events(count: int) -> list[Recorded]:
    """Return `count` returns of loans, each with its clock."""
    now = datetime.now(UTC)
    made = []
    for number in range(count):
        loan_id, at = new_id(), now - timedelta(seconds=number % 86_400)
        clock = RecordClock(record_class="loan", record_id=loan_id, version=1, anchor=at)
        data = LoanReturned(patron_id=new_id(), branch="DK-725900", returned_at=at, late=False, clocks=[clock])
        event = Event.of(data, service="loan-api", agency="DK-725900", subject=loan_id, time=now)
        made.append(Recorded(event.subject, event.to_json()))
    return made


class Arrivals:
    """Counts what a group has handled."""

    def __init__(self, handle: Callable[[Sequence[Message]], Awaitable[None]]) -> None:
        """Count the messages that `handle` has handled."""
        self._handle = handle
        self._count = 0
        self._wanted = 0
        self._there = asyncio.Event()

    async def deliver(self, messages: Sequence[Message]) -> None:
        """Handle and count."""
        await self._handle(messages)
        self._count += len(messages)
        if self._count >= self._wanted:
            self._there.set()

    async def reach(self, count: int) -> None:
        """Wait until `count` messages in all have been handled."""
        self._wanted = count
        self._there.clear()
        if self._count < count:
            await asyncio.wait_for(self._there.wait(), LIMIT_SECONDS)


async def through_glem(place: Place, events: list[Recorded]) -> float:
    """Return the seconds from the start of the relay to the last clock; one event has passed before, as a warm-up."""
    broker = await place.broker()
    url = await place.database("events")
    await upgrade(url, MIGRATIONS, metadata)
    database = await Database.open(url, "loan-api", SystemClock())
    group = f"bench-{new_id()}"
    handle = clock_handler(DuePolicy(load_agencies(AGENCIES)), lambda: None)
    arrivals = Arrivals(Consumer(group, database, {EventData: handle}, Metrics("bench").dead_letters).deliver)
    sending, receiving = KafkaTransport(broker.bootstrap), KafkaTransport(broker.bootstrap)
    receiving.subscribe(group, [LOANS], arrivals.deliver)
    relay = Relay(database, sending, "loan-api")
    task: asyncio.Task[None] | None = None
    try:
        await receiving.prepare_topics()
        await _begin_at_the_end(broker.bootstrap, group)
        await receiving.start()
        await _put(database, make_events(1))
        task = asyncio.create_task(relay.run())
        await arrivals.reach(1)
        await relay.drained()
        await _put(database, events)
        started = time.perf_counter()
        relay.wake()
        await arrivals.reach(1 + len(events))
        took = time.perf_counter() - started
        clocks = await database.fetchval("SELECT count(*) FROM clock")
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await receiving.stop()
        await sending.stop()
        await database.close()
    if clocks != 1 + len(events):
        message = f"{clocks} clocks of {1 + len(events)} events"
        raise RuntimeError(message)
    return took


async def _begin_at_the_end(bootstrap: str, group: str) -> None:
    """Let a new group skip the events of earlier measurements."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(LOANS, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


async def _put(database: Database, events: list[Recorded]) -> None:
    await database.execute(
        "INSERT INTO outbox (topic, key, payload) SELECT $1, * FROM unnest($2::text[], $3::bytea[])",
        LOANS,
        *columns_of([(event.key, event.payload) for event in events], 2),
    )


async def through_aiokafka(place: Place, events: list[Recorded]) -> float:
    """Return the seconds from the first send to the last record received, warmed up by one record in each partition."""
    bootstrap, topic = (await place.broker()).bootstrap, f"bench-{new_id()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=2, max_batch_size=256 * 1024
    )
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await producer.start()
    await consumer.start()
    try:
        for partition in range(PARTITIONS):
            await producer.send_and_wait(topic, b"first", partition=partition)
        await _receive(consumer, PARTITIONS)
        started = time.perf_counter()
        sender = asyncio.create_task(_send(producer, topic, events))
        await _receive(consumer, len(events))
        took = time.perf_counter() - started
        await sender
    finally:
        await consumer.stop()
        await producer.stop()
    return took


async def _send(producer: AIOKafkaProducer, topic: str, events: list[Recorded]) -> None:
    for event in events:
        await producer.send(topic, event.payload, key=event.key.encode())
    await producer.flush()


async def _receive(consumer: AIOKafkaConsumer, count: int) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while count > 0:
            batches = await consumer.getmany(timeout_ms=500)
            count -= sum(len(records) for records in batches.values())
            if batches:
                await consumer.commit()
