"""The broker that this machine offers takes, keeps and gives back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from glem_local.apache_kafka import DEFAULT_CACHE
from glem_local.broker import Broker, BrokerError, find_broker
from tests.conftest import broker_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.kafka


async def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        for sent in [await producer.send(topic, value, key=b"one") for value in values]:
            await sent
    finally:
        await producer.stop()


async def consume(bootstrap: str, topic: str, count: int, *, group: str | None = None) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        values: list[bytes] = []
        while len(values) < count:
            batches = await consumer.getmany(timeout_ms=1000)
            values += [record.value for records in batches.values() for record in records]
        if group is not None:
            await consumer.commit()
        return values
    finally:
        await consumer.stop()


async def new_topic(bootstrap: str) -> str:
    """Make a topic, for a broker makes none by itself."""
    name = f"test-{secrets.token_hex(6)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()
    return name


async def test_records_come_back_in_their_order(broker: Broker) -> None:
    topic = await new_topic(broker.bootstrap)
    values = [b"%d" % number for number in range(1000)]
    await produce(broker.bootstrap, topic, values)
    assert await consume(broker.bootstrap, topic, 1000) == values


async def test_a_group_goes_on_where_it_stopped(broker: Broker) -> None:
    topic, group = await new_topic(broker.bootstrap), f"group-{secrets.token_hex(6)}"
    await produce(broker.bootstrap, topic, [b"first"])
    assert await consume(broker.bootstrap, topic, 1, group=group) == [b"first"]
    await produce(broker.bootstrap, topic, [b"second"])
    assert await consume(broker.bootstrap, topic, 1, group=group) == [b"second"]


@pytest.fixture
async def own_broker(pytestconfig: pytest.Config) -> AsyncIterator[Broker]:
    found = await broker_for(pytestconfig)
    yield found
    await found.stop()


@pytest.mark.slow
async def test_what_was_acknowledged_is_there_after_kill_9(own_broker: Broker) -> None:
    if not own_broker.ours:
        pytest.skip("the broker is not ours to kill")
    bootstrap = own_broker.bootstrap
    topic = await new_topic(bootstrap)
    values = [b"%d" % number for number in range(5000)]
    await produce(bootstrap, topic, values)
    await own_broker.kill()
    await own_broker.restart()
    assert own_broker.bootstrap == bootstrap
    assert await consume(bootstrap, topic, 5000) == values


async def test_a_named_broker_goes_before_all_others(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    named = await find_broker(DEFAULT_CACHE)
    assert named.bootstrap == broker.bootstrap
    assert "KAFKA_BOOTSTRAP_SERVERS" in named.kind
    await named.stop()
    assert await consume(broker.bootstrap, await _with_one_record(broker), 1) == [b"alive"]


async def test_without_docker_java_and_a_name_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError) as refused:
        await find_broker(DEFAULT_CACHE)
    for word in ("Docker: no engine answers", "java and mvn are not both on PATH", "KAFKA_BOOTSTRAP_SERVERS"):
        assert word in str(refused.value)


async def _with_one_record(broker: Broker) -> str:
    topic = await new_topic(broker.bootstrap)
    await produce(broker.bootstrap, topic, [b"alive"])
    return topic
