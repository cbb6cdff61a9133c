"""The transport over Apache Kafka: an idempotent producer, one consumer group per service, offsets committed after the database."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from aiokafka.helpers import create_ssl_context
from aiokafka.producer.message_accumulator import BatchBuilder

from glem.transport import Deliver, Message, TopicRetentionError, TransportError, check_topics
from glem_contracts.events import TOPICS

log = structlog.get_logger(__name__)

RETENTION_MS = 7 * 24 * 3600 * 1000
BATCH = 2000
START_SECONDS = 10.0
REWIND_SECONDS = 60.0
COMMIT_SECONDS = 15.0


class KafkaTransport:
    """A broker's topics; one instance per service process."""

    def __init__(
        self, bootstrap: str, *, partitions: int = 6, replicas: int = 1, instance: str = "", ca: Path | None = None
    ) -> None:
        """Reach the broker at `bootstrap`; new topics get `partitions` and `replicas`.

        A process with a lasting `instance` name gets its partitions back at once after a crash. With `ca`, connections are
        encrypted and the broker must have a certificate of that authority (R67).
        """
        self._instance = instance
        self._line: dict[str, object] = {"bootstrap_servers": bootstrap}
        if ca is not None:
            self._line |= {"security_protocol": "SSL", "ssl_context": create_ssl_context(cafile=str(ca))}
        self._partitions = partitions
        self._replicas = replicas
        self._subscriptions: dict[str, tuple[list[str], Deliver]] = {}
        self._producer: AIOKafkaProducer | None = None
        self._consumers: dict[str, AIOKafkaConsumer] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._trouble: str | None = None
        self._rewinding: set[str] = set()

    def subscribe(self, group: str, topics: Sequence[str], deliver: Deliver) -> None:
        """Deliver every message of `topics` to `deliver`."""
        check_topics(topics)
        self._subscriptions[group] = (list(topics), deliver)

    async def start(self) -> None:
        """Create or check the topics, then consume in the background, which waits for a broker that does not answer.

        Raises TopicRetentionError. For a topic found wrong later, `trouble` returns the fault, and nothing is sent or consumed
        until it is repaired.
        """
        with suppress(KafkaError, OSError):
            await asyncio.wait_for(self.prepare_topics(), START_SECONDS)
        self._tasks = [asyncio.create_task(self._consume(group)) for group in self._subscriptions]

    def trouble(self) -> str | None:
        """Return the topic that keeps events too long, as a sentence, or None (H81)."""
        return self._trouble

    async def prepare_topics(self) -> None:
        """Create missing topics with a retention of 7 days; raises TopicRetentionError for a topic that keeps events longer (H81)."""
        try:
            await self._see_to_topics()
        except TopicRetentionError as error:
            self._trouble = str(error)
            log.critical("topic_retention", reason=str(error))
            raise
        self._trouble = None

    async def _see_to_topics(self) -> None:
        admin = AIOKafkaAdminClient(**self._line)
        await admin.start()
        try:
            wanted = [
                NewTopic(
                    topic,
                    self._partitions,
                    self._replicas,
                    topic_configs={
                        "retention.ms": str(RETENTION_MS),
                        "segment.ms": str(24 * 3600 * 1000),
                        "cleanup.policy": "delete",
                        "message.timestamp.type": "LogAppendTime",
                    },
                )
                for topic in TOPICS
            ]
            existing = set(await admin.list_topics())
            missing = [topic for topic in wanted if topic.name not in existing]
            if missing:
                answer = await admin.create_topics(missing)
                for _, code, *_ in answer.topic_errors:
                    if code not in {0, TopicAlreadyExistsError.errno}:
                        raise for_code(code)
            await self._check_retention(admin)
        finally:
            await admin.close()

    async def _check_retention(self, admin: AIOKafkaAdminClient) -> None:
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in TOPICS]
        unseen = set(TOPICS)
        for response in await admin.describe_configs(resources):
            for _, _, _, topic, entries in response.resources:
                found = {entry[0]: entry[1] for entry in entries}
                if "retention.ms" not in found:
                    continue
                unseen.discard(topic)
                if not 0 < int(found["retention.ms"]) <= RETENTION_MS:
                    message = f"topic {topic} has retention.ms={found['retention.ms']}; at most {RETENTION_MS} (7 days) is allowed"
                    raise TopicRetentionError(message)
                if "compact" in found.get("cleanup.policy", ""):
                    raise TopicRetentionError(
                        f"topic {topic} is compacted, which keeps the last event of a key without end"
                    )
        if unseen:
            # A new topic may not be known to every broker yet.
            raise UnknownTopicOrPartitionError(min(unseen))

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send `messages` and wait until the broker has acknowledged all."""
        check_topics(message.topic for message in messages)
        try:
            producer = await self._connected_producer()
            futures = [
                await producer.send_batch(batch, topic, partition=partition)
                for topic, partition, batch in await _batches(producer, messages)
            ]
            await producer.flush()
            for future in futures:
                future.result()
        except (KafkaError, OSError) as error:
            await self._drop_producer()
            message = f"the broker did not take the messages ({type(error).__name__})"
            raise TransportError(message) from error

    async def _connected_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self.prepare_topics()
            producer = AIOKafkaProducer(
                **self._line,
                enable_idempotence=True,
                acks="all",
                linger_ms=2,
                max_batch_size=256 * 1024,
                request_timeout_ms=10_000,
            )
            self._producer = producer
            await producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 2)
            except (KafkaError, OSError):
                # The producer would retry by itself, and send these messages after later ones.
                with suppress(KafkaError, OSError):
                    await producer._sender.close()  # noqa: SLF001
                    await producer.client.close()

    async def _consume(self, group: str) -> None:
        topics, deliver = self._subscriptions[group]
        while True:
            try:
                await self._consume_until_failure(group, topics, deliver)
            except Exception as error:  # noqa: BLE001  whatever it is, what was not handled must come again
                log.warning("consumer_failed", group=group, kind=type(error).__name__)
                await asyncio.sleep(1)

    async def _consume_until_failure(self, group: str, topics: list[str], deliver: Deliver) -> None:
        await self.prepare_topics()
        consumer = AIOKafkaConsumer(
            *topics,
            **self._line,
            group_id=group,
            group_instance_id=f"{group}-{self._instance}" if self._instance else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=10_000,
        )
        await consumer.start()
        self._consumers[group] = consumer
        try:
            while True:
                if group in self._rewinding and consumer.assignment():
                    begins = await consumer.beginning_offsets(list(consumer.assignment()))
                    await consumer.commit(begins)
                    for partition, begin in begins.items():
                        consumer.seek(partition, begin)
                    self._rewinding.discard(group)
                batches = await consumer.getmany(timeout_ms=500, max_records=BATCH)
                if not batches:
                    continue
                await deliver(
                    [
                        Message(record.topic, (record.key or b"").decode(errors="replace"), record.value or b"")
                        for records in batches.values()
                        for record in records
                    ]
                )
                # The library would try without end to commit to a partition that a recreated topic no longer has.
                done = {partition: records[-1].offset + 1 for partition, records in batches.items()}
                async with asyncio.timeout(COMMIT_SECONDS):
                    await consumer.commit(done)
        finally:
            self._consumers.pop(group, None)
            with suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 5)

    async def lag(self) -> dict[str, int]:
        """Return how many messages each group has yet to commit; raises TransportError when the broker does not answer."""
        lags: dict[str, int] = defaultdict(int)
        try:
            for group, consumer in list(self._consumers.items()):
                partitions: list[TopicPartition] = list(consumer.assignment())
                ends = await consumer.end_offsets(partitions) if partitions else {}
                begins = await consumer.beginning_offsets(partitions) if partitions else {}
                for partition, end in ends.items():
                    lags[group] += end - max(await consumer.committed(partition) or 0, begins[partition])
        except (KafkaError, OSError) as error:
            raise TransportError(f"the broker does not say ({type(error).__name__})") from error
        return dict(lags)

    async def rewind(self, group: str) -> None:
        """Move this process's part of `group` to the oldest message; return when it is done.

        Raises TransportError after a minute: other processes of the service may have all partitions.
        """
        if group not in self._subscriptions:
            return
        self._rewinding.add(group)
        try:
            async with asyncio.timeout(REWIND_SECONDS):
                while group in self._rewinding:  # noqa: ASYNC110  the consumer does it between two batches
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            message = "the broker has given this process no partition to begin again"
            raise TransportError(message) from error

    async def taken(self) -> dict[str, int]:
        """Return how many messages each topic has ever stored; raises TransportError."""
        try:
            producer = await self._connected_producer()
            client = AIOKafkaConsumer(**self._line)
            await client.start()
            try:
                partitions = [
                    TopicPartition(topic, number) for topic in TOPICS for number in await producer.partitions_for(topic)
                ]
                ends = await client.end_offsets(partitions)
            finally:
                await client.stop()
        except (KafkaError, OSError) as error:
            raise TransportError(f"the broker does not say ({type(error).__name__})") from error
        taken: dict[str, int] = defaultdict(int)
        for partition, end in ends.items():
            taken[partition.topic] += end
        return taken

    async def stop(self) -> None:
        """Finish the present batch, leave the groups and close the producer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop_producer()


async def _batches(producer: AIOKafkaProducer, messages: Sequence[Message]) -> list[tuple[str, int, BatchBuilder]]:
    """Fill batches of one partition each; the partition is a hash of the key, ten times cheaper than the library's hash."""
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {message.topic for message in messages}}
    filled: list[tuple[str, int, BatchBuilder]] = []
    filling: dict[tuple[str, int], BatchBuilder] = {}
    for topic, key, value in messages:
        code = key.encode()
        place = (topic, crc32(code) % counts[topic])
        batch = filling.get(place)
        if batch is None or batch.append(timestamp=None, key=code, value=value) is None:
            batch = filling[place] = producer.create_batch()
            batch.append(timestamp=None, key=code, value=value)
            filled.append((*place, batch))
    return filled
