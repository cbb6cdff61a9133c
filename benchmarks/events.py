"""Outbox → broker → clock, against aiokafka alone that produces and consumes the same bytes in one process."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from embedded.broker import Broker
from embedded.postgres import PostgresServer
from glem.agencies import load_agencies
from glem.clock import SystemClock
from glem.consuming import Consumer
from glem.database import Database, columns_of
from glem.envelope import Event, EventData, RecordClock
from glem.events import LOANS, LoanReturned
from glem.ids import new_id
from glem.metrics import Metrics
from glem.migrations import upgrade
from glem.outbox import Relay
from glem.transport import Message
from glem.transport.kafka import KafkaTransport
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.clocks.consumers import note_taker
from retention_worker.register.rules import PolicyVersion

from benchmarks.table import Row, compared

EVENTS = 50_000
AGENCIES = Path(__file__).parents[1] / "deploy" / "agencies"
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Recorded:
    """An event as it stands in an outbox."""

    key: str
    payload: bytes


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


async def measure(postgres: PostgresServer, broker: Broker, rounds: int) -> list[Row]:
    """Return the row of this measurement."""
    events = make_events(EVENTS)
    ours, alone = [], []
    for number in range(rounds):
        ours.append(EVENTS / await _through_glem(postgres, broker, events, number))
        alone.append(EVENTS / await _through_aiokafka(broker, events, number))
    size = sum(len(event.payload) for event in events) // EVENTS
    return [
        compared(
            f"outbox → broker → clock, events of {size} bytes", "events/s", ours, alone, "aiokafka alone", "0.5 or more"
        )
    ]


async def _through_glem(postgres: PostgresServer, broker: Broker, events: list[Recorded], number: int) -> float:
    name = f"bench_events_{number}_{new_id()}"
    await postgres.create_database(name)
    url = postgres.url(name)
    await upgrade(url, MIGRATIONS, metadata)
    clock = SystemClock()
    database = await Database.open(url, "loan-api", clock)
    await database.execute(
        "INSERT INTO outbox (topic, key, payload) SELECT $1, * FROM unnest($2::text[], $3::bytea[])",
        LOANS,
        *columns_of([(event.key, event.payload) for event in events], 2),
    )
    policy = PolicyVersion(load_agencies(AGENCIES))
    consumer = Consumer(name, database, {EventData: note_taker(policy, lambda: None)}, Metrics("bench").dead_letters)
    sending, receiving = KafkaTransport(broker.bootstrap), KafkaTransport(broker.bootstrap)
    receiving.subscribe(name, [LOANS], consumer.deliver)
    await receiving.start()
    [warm_up] = make_events(1)
    await sending.publish([Message(LOANS, warm_up.key, warm_up.payload)])
    while not await database.fetchval("SELECT count(*) FROM clock"):
        await asyncio.sleep(0.05)
    relay = Relay(database, sending, "loan-api")
    started = time.perf_counter()
    sender = asyncio.create_task(relay.run())
    try:
        while await database.fetchval("SELECT count(*) FROM clock") < len(events) + 1:
            await asyncio.sleep(0.05)
            if time.perf_counter() - started > LIMIT_SECONDS:
                message = "the events do not arrive"
                raise TimeoutError(message)
        return time.perf_counter() - started
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await receiving.stop()
        await sending.stop()
        await database.close()


async def _through_aiokafka(broker: Broker, events: list[Recorded], number: int) -> float:
    topic = f"bench-{number}-{new_id()}"
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, linger_ms=2, max_batch_size=256 * 1024
    )
    await producer.start()
    await producer.send_and_wait(topic, b"first", key=b"0")
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="latest")
    await consumer.start()
    await consumer.getmany(timeout_ms=200)
    started = time.perf_counter()

    async def produce() -> None:
        for event in events:
            await producer.send(topic, event.payload, key=event.key.encode())
        await producer.flush()

    sender = asyncio.create_task(produce())
    seen = 0
    while seen < len(events):
        batches = await consumer.getmany(timeout_ms=500, max_records=1000)
        seen += sum(len(records) for records in batches.values())
    took = time.perf_counter() - started
    await sender
    await consumer.stop()
    await producer.stop()
    return took


def scratch() -> Path:
    """Return a folder for one measurement."""
    return Path(tempfile.mkdtemp(prefix="glem-bench-"))
