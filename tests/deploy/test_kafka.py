"""The broker of the Compose file, as far as it can be had here: its properties and its certificate on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import reduce
from pathlib import Path

import pytest
import pytest_asyncio

from glem.transport import Message, TransportError
from glem.transport.kafka import KafkaTransport
from glem_contracts.events import LOANS
from glem_local.apache_kafka import DEFAULT_CACHE, ApacheKafka, KafkaError, fetch_jars, fitting_java
from glem_local.broker import free_port

pytestmark = pytest.mark.kafka


def properties(environment: dict[str, str]) -> dict[str, str]:
    """What the image makes of its variables: KAFKA_LOG_DIRS is log.dirs."""
    own = {"KAFKA_HEAP_OPTS"}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in own
    }


@pytest_asyncio.fixture(scope="module")
async def bootstrap(compose, made: Path, tmp_path_factory) -> AsyncIterator[str]:
    try:
        java, jars = fitting_java(), await asyncio.to_thread(fetch_jars, DEFAULT_CACHE)
    except KafkaError as reason:
        pytest.skip(str(reason))
    folder = tmp_path_factory.mktemp("kafka")
    ports = {"9092": str(free_port()), "9093": str(free_port()), "9094": str(free_port())}
    here = {"kafka:": "localhost:", "0.0.0.0": "127.0.0.1", "/var/lib/kafka/data": str(folder / "records")}
    here |= {f":{number}": f":{port}" for number, port in ports.items()}
    here["/run/secrets/kafka_pem"] = str(made / "deploy" / "secrets" / "kafka.pem")
    lines = []
    for name, value in properties(compose["services"]["kafka"]["environment"]).items():
        lines.append(f"{name}={reduce(lambda text, pair: text.replace(*pair), here.items(), value)}")
    broker = ApacheKafka(java, jars, folder, keep=False, ports=(0, 0))
    (folder / "server.properties").write_text("\n".join(lines))
    try:
        await asyncio.to_thread(broker.launch)
        yield f"localhost:{ports['9092']}"
    finally:
        await asyncio.to_thread(broker.halt, kill=True)


async def test_events_pass_over_an_encrypted_line(bootstrap: str, made: Path):
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def deliver(messages: Sequence[Message]) -> None:
        for message in messages:
            seen.put_nowait(message.value)

    transport = KafkaTransport(bootstrap, partitions=1, ca=made / "deploy" / "secrets" / "ca.crt")
    transport.subscribe("loan-api", [LOANS], deliver)
    await transport.start()
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    await transport.publish([Message(LOANS, "1", b"one")])
                    break
                except TransportError:
                    await asyncio.sleep(0.5)
            assert await seen.get() == b"one"
    finally:
        await transport.stop()


async def test_a_line_that_is_not_encrypted_is_not_taken(bootstrap: str):
    transport = KafkaTransport(bootstrap, partitions=1)
    with pytest.raises(TransportError):
        await transport.publish([Message(LOANS, "1", b"two")])
