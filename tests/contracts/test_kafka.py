"""What only a broker can do wrong: keep too long, die, and come back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import jsonschema
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from glem.transport import TopicRetentionError, TransportError
from glem.transport.kafka import RETENTION_MS, KafkaTransport
from glem_contracts.events import EVENT_TYPES, TOPICS
from glem_contracts.events.asyncapi import document
from glem_local.broker import Broker, free_port
from tests.conftest import broker_for
from tests.contracts.conftest import Bench
from tests.glem.samples import sample
from tests.glem.toys import make_event, message_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from glem.transport import Message

pytestmark = pytest.mark.kafka


@pytest_asyncio.fixture(scope="module")
async def own_broker(pytestconfig: pytest.Config) -> AsyncIterator[Broker]:
    """A broker that no other test uses."""
    found = await broker_for(pytestconfig)
    if not found.ours:
        pytest.skip("the broker is not ours to change or kill")
    yield found
    await found.stop()


@pytest.fixture
def bench(own_broker: Broker) -> Bench:
    return Bench("kafka", own_broker.bootstrap)


@asynccontextmanager
async def administrator(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def configure(bench: Bench, topic: str, **config: str) -> None:
    names = {name.replace("_", "."): value for name, value in config.items()}
    async with administrator(bench.bootstrap) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=names)])

    async def done() -> bool:
        found = await configuration(bench, topic)
        return all(found[name] == value for name, value in names.items())

    await until(done)


async def configuration(bench: Bench, topic: str) -> dict[str, str]:
    async with administrator(bench.bootstrap) as admin:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for _, _, _, _, entries in answer.resources for entry in entries}


async def test_topics_are_made_to_forget(bench: Bench):
    async with bench.opened():
        for topic in TOPICS:
            found = await configuration(bench, topic)
            assert int(found["retention.ms"]) == RETENTION_MS == 7 * 24 * 3600 * 1000
            assert found["cleanup.policy"] == "delete"
            assert found["message.timestamp.type"] == "LogAppendTime"
            assert int(found["segment.ms"]) <= 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"retention_ms": "-1"}, "retention.ms=-1"),
        ({"retention_ms": str(RETENTION_MS + 1)}, f"retention.ms={RETENTION_MS + 1}"),
        ({"cleanup_policy": "compact"}, "compacted"),
    ],
    ids=["without end", "too long", "compacted"],
)
async def test_a_topic_that_keeps_longer_stops_the_start(
    bench: Bench, config: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
):
    async with bench.opened():
        pass
    await configure(bench, "glem.messages", **config)
    try:
        transport = bench.transport()
        with pytest.raises(TopicRetentionError, match=r"topic glem\.messages") as caught:
            await transport.start()
        assert words in str(caught.value)
        assert words in str(transport.trouble())
        with pytest.raises(TransportError, match=r"topic glem\.messages"):
            await transport.publish([bench.message()])
        await transport.stop()
        assert "topic_retention" in "".join(capsys.readouterr())
    finally:
        await configure(bench, "glem.messages", retention_ms=str(RETENTION_MS), cleanup_policy="delete")
    async with bench.opened() as transport:
        await transport.publish([bench.message()])
        assert transport.trouble() is None


async def test_a_shorter_retention_is_allowed(bench: Bench):
    async with bench.opened():
        pass
    await configure(bench, "glem.messages", retention_ms="3600000")
    async with bench.opened() as transport:
        assert transport.trouble() is None
    await configure(bench, "glem.messages", retention_ms=str(RETENTION_MS))


async def test_a_broker_that_is_away_at_the_start_is_waited_for():
    transport = KafkaTransport(f"127.0.0.1:{free_port()}")
    await asyncio.wait_for(transport.start(), 12)
    with pytest.raises(TransportError, match="broker"):
        await transport.publish([Bench("kafka").message()])
    assert transport.trouble() is None
    await transport.stop()


async def test_any_client_can_read_the_stream_by_its_document(bench: Bench):
    described = document()
    events = [make_event(number, sample(kind)) for number, kind in enumerate(EVENT_TYPES.values(), 1)]
    async with bench.opened() as transport:
        await transport.publish([message_of(event) for event in events])
    channels = described["channels"]
    consumer = AIOKafkaConsumer(
        *[channel["address"] for channel in channels.values()],
        bootstrap_servers=bench.bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found = {}
    try:
        while len(found) < len(events):
            batches = await consumer.getmany(timeout_ms=1000)
            for partition, records in batches.items():
                for record in records:
                    if record.key.isdigit():
                        content = orjson.loads(record.value)
                        found[content["type"]] = (partition.topic, record.key.decode(), content)
    finally:
        await consumer.stop()
    assert set(found) == set(EVENT_TYPES)
    for name, (topic, key, content) in found.items():
        assert name in channels[topic]["messages"]
        assert key == content["subject"]
        payload = described["components"]["messages"][name]["payload"]
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator({**described, **payload}, format_checker=checker).validate(content)


async def keep_publishing(bench: Bench, transport: KafkaTransport, until_set: asyncio.Event) -> list[bytes]:
    """What a relay does under load; returns what the broker has acknowledged."""
    safe: list[bytes] = []
    number = 0
    while not until_set.is_set():
        batch: list[Message] = []
        for _ in range(100):
            batch.append(bench.message(b"%d" % number, key=number % 11))
            number += 1
        while True:
            with suppress(TransportError):
                await transport.publish(batch)
                break
            await asyncio.sleep(0.1)
        safe.extend(message.value for message in batch)
        await asyncio.sleep(0.02)
    return safe


@pytest.mark.slow
async def test_a_broker_killed_under_load_loses_nothing_and_both_sides_recover(bench: Bench, own_broker: Broker):
    group, enough = bench.group(), asyncio.Event()
    async with bench.opened(group) as transport:
        publishing = asyncio.create_task(keep_publishing(bench, transport, enough))
        await until(lambda: len(group.handled) >= 1000, seconds=60)
        await own_broker.kill()
        await asyncio.sleep(0.5)
        before = len(group.handled)
        await own_broker.restart()
        await until(lambda: len(group.handled) >= before + 1000, seconds=90)
        enough.set()
        safe = await asyncio.wait_for(publishing, 60)
        await until(lambda: len(group.handled) >= len(safe) and set(group.values()) >= set(safe), seconds=90)
    assert len(safe) == len(set(safe)) >= 2000
    for key in range(11):
        # Without what came twice, every key is in its order.
        assert list(dict.fromkeys(group.values(bench.key(key)))) == [
            b"%d" % number for number in range(len(safe)) if number % 11 == key
        ]


@pytest.mark.slow
async def test_a_message_that_was_handled_but_not_committed_comes_again(bench: Bench):
    """The database first, then the offset: a process killed between handles it twice, never not at all."""
    group = bench.group()

    async def handle_and_die(messages: list[Message]) -> None:
        await group.deliver(messages)
        if group.handled:
            raise asyncio.CancelledError

    transport = bench.transport()
    transport.subscribe(group.name, ["glem.loans"], handle_and_die)
    await transport.start()
    await transport.publish([bench.message(b"1")])
    await until(lambda: group.values() == [b"1"], seconds=60)
    await transport.stop()
    again = bench.group()
    async with bench.opened(again):
        await until(lambda: again.values() == [b"1"], seconds=60)
