"""A Kafka broker for tests and for the distributed mode: the first kind that runs on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

import psutil
from aiokafka import AIOKafkaConsumer

from glem_local.apache_kafka import ApacheKafka, fetch_jars, fitting_java

READY_SECONDS = 90.0
DOCKER_SECONDS = 3.0
IMAGE = "apache/kafka:4.3.1"
ADVICE = "Start Docker, install Java 17 and Maven, or name a broker in KAFKA_BOOTSTRAP_SERVERS."


class BrokerError(RuntimeError):
    """The broker does not start, or cannot carry out a request."""


class Engine(Protocol):
    """Runs a broker. After `halt`, `launch` starts it again on the same port and data."""

    kind: str
    bootstrap: str
    ours: bool

    def launch(self) -> None:
        """Start it, without waiting until it answers."""

    def halt(self, *, kill: bool) -> None:
        """Stop it, cleanly or as a power cut would; return when it has ended."""

    def discard(self) -> None:
        """Remove the files of this run."""


class Broker:
    """One broker; `find_broker` returns it ready for clients."""

    def __init__(self, engine: Engine, refusals: tuple[str, ...] = ()) -> None:
        self._engine = engine
        self.refusals = refusals
        """Why each kind that is tried before this one did not start."""

    @property
    def kind(self) -> str:
        """Which broker this is, for people to read."""
        return self._engine.kind

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return self._engine.bootstrap

    @property
    def ours(self) -> bool:
        """Whether this process has started it, and so may change, stop and kill it."""
        return self._engine.ours

    async def start(self) -> None:
        """Start it and wait until it has answered a metadata request."""
        await asyncio.to_thread(self._engine.launch)
        await _ready(self.bootstrap)

    async def stop(self) -> None:
        """Stop it cleanly and remove the files of this run."""
        await asyncio.to_thread(self._engine.halt, kill=False)
        await asyncio.to_thread(self._engine.discard)

    async def kill(self) -> None:
        """End it by SIGKILL. `restart` brings it back."""
        await asyncio.to_thread(self._engine.halt, kill=True)

    async def restart(self) -> None:
        """Start it again, on the same port and data; stop it first if it runs."""
        await asyncio.to_thread(self._engine.halt, kill=False)
        await self.start()


async def find_broker(cache: Path, data: Path | None = None) -> Broker:
    """Start the first that works: the broker named by KAFKA_BOOTSTRAP_SERVERS, Apache Kafka in Docker, Apache Kafka by Maven.

    `cache` is the folder for downloads. `data` is the folder for records; without it they are deleted when the broker stops.
    Raises BrokerError, with the reason of each, when none of them starts.
    """
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if named:
        broker = Broker(NamedBroker(named))
        await broker.start()
        return broker
    refusals: list[str] = []
    for offer in (_docker, _apache_kafka):
        try:
            engine = await offer(cache, data)
        except (BrokerError, OSError, subprocess.SubprocessError) as problem:
            refusals.append(str(problem))
            continue
        broker = Broker(engine, tuple(refusals))
        try:
            await broker.start()
        except (BrokerError, OSError) as problem:
            refusals.append(f"{broker.kind}: {problem}")
            await broker.stop()
            continue
        except BaseException:
            await broker.stop()
            raise
        return broker
    raise BrokerError(" ".join(["No Kafka broker runs here.", *refusals, ADVICE]))


async def _docker(cache: Path, data: Path | None) -> Engine:
    del cache, data  # the image and the records stay in Docker
    try:
        await asyncio.wait_for(asyncio.to_thread(_ask_docker), DOCKER_SECONDS)
    except Exception as problem:  # the library passes on the errors of its transports
        raise BrokerError(f"Docker: no engine answers ({type(problem).__name__}).") from problem
    return DockerKafka(free_port())


def _ask_docker() -> None:
    import docker  # noqa: PLC0415 - a library for development only

    client = docker.from_env(timeout=2)
    try:
        client.ping()
    finally:
        client.close()


async def _apache_kafka(cache: Path, data: Path | None) -> Engine:
    java = await asyncio.to_thread(fitting_java)
    jars = await asyncio.to_thread(fetch_jars, cache)
    folder = data or Path(tempfile.mkdtemp(prefix="glem-kafka-"))
    return ApacheKafka(java, jars, folder, keep=data is not None, ports=(free_port(), free_port()))


class NamedBroker:
    """A broker that somebody else runs."""

    ours = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.kind = f"the broker at {bootstrap} (KAFKA_BOOTSTRAP_SERVERS)"

    def launch(self) -> None:
        """Do nothing: it runs already."""

    def halt(self, *, kill: bool) -> None:
        """Do nothing; raises BrokerError for `kill`, which is for the broker's owner."""
        if kill:
            msg = "The broker of KAFKA_BOOTSTRAP_SERVERS is not ours to kill."
            raise BrokerError(msg)

    def discard(self) -> None:
        """Do nothing: this process made no files."""


class DockerKafka:
    """Apache Kafka's own image, by testcontainers."""

    ours = True

    def __init__(self, port: int) -> None:
        self.kind = f"Apache Kafka in Docker ({IMAGE})"
        self.bootstrap = f"127.0.0.1:{port}"
        self._port = port
        self._container: Any = None

    def launch(self) -> None:
        """Start the container; after a kill, the same one with its records."""
        if self._container is not None:
            self._container.get_wrapped_container().start()
            return
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - for development only

        container = DockerContainer(IMAGE).with_bind_ports(self._port, self._port)
        for name, value in {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "LISTENERS": f"PLAINTEXT://:{self._port},INSIDE://localhost:19092,CONTROLLER://localhost:19093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{self._port},INSIDE://localhost:19092",
            "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "INTER_BROKER_LISTENER_NAME": "INSIDE",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:19093",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        }.items():
            container = container.with_env(f"KAFKA_{name}", value)
        self._container = container.start()

    def halt(self, *, kill: bool) -> None:
        """Stop or kill the container, and keep it."""
        if self._container is None:
            return
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        if wrapped.status == "running":
            if kill:
                wrapped.kill(signal="SIGKILL")
            else:
                wrapped.stop(timeout=20)
            wrapped.wait(timeout=30)

    def discard(self) -> None:
        """Remove the container and its records."""
        if self._container is not None:
            self._container.stop()
            self._container = None


def end_process(process: subprocess.Popen[bytes], *, kill: bool) -> None:
    """End a process and its children, by SIGKILL or by SIGTERM with time to stop."""
    if not kill:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
            return
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait(10)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(bootstrap: str) -> None:
    """Wait until the broker has answered a client's metadata request."""
    deadline = time.monotonic() + READY_SECONDS
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        while True:
            client = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=5000)
            try:
                await client.start()
                await client.topics()
            except Exception as problem:  # aiokafka raises its own, the system's and asyncio's errors
                if time.monotonic() > deadline:
                    raise BrokerError(f"No answer from {bootstrap}: {problem}") from problem
            else:
                return
            finally:
                with contextlib.suppress(Exception):
                    await client.stop()
            await asyncio.sleep(0.2)
    finally:
        logger.setLevel(level)
