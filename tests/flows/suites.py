"""The two compositions behind one face, so that the same story runs on both."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import httpx

from embedded.processes import Distributed
from glem.clients import trusted
from glem.clock import TravellingClock
from glem_local.broker import Broker, free_port
from glem_local.mail import MailCatcher

START_SECONDS = 240
# What a lost event would have told is found sooner than in a minute.
SETTINGS = {"GLEM_AUDIT_SECONDS": "5"}


class AnySuite(Protocol):
    """A running suite whose parts can be killed and brought back."""

    mode: str
    mail: MailCatcher
    administrator: str
    databases: dict[str, str]

    def url(self, service: str) -> str: ...

    def now(self) -> datetime: ...

    async def travel(self, by: timedelta) -> None: ...

    async def kill(self, service: str) -> None: ...

    async def start(self, service: str) -> None: ...

    async def close(self) -> None: ...


class EmbeddedProcess:
    """`glem serve` in a process of its own; killing any service kills them all."""

    mode = "embedded"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._port = free_port()
        self._running: subprocess.Popen[bytes] | None = None
        self.mail = MailCatcher(free_port())
        self.mail.start()
        self.administrator = ""
        self.databases: dict[str, str] = {}

    async def start(self, service: str = "all") -> None:
        command = [
            sys.executable,
            "-m",
            "embedded.cli",
            "serve",
            "--home",
            str(self._home),
            "--port",
            str(self._port),
            "--smtp-port",
            str(self.mail.port),
        ]
        with (self._home.parent / "embedded.log").open("ab") as log:
            self._running = subprocess.Popen(  # noqa: ASYNC220
                command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **SETTINGS}
            )
        line = await asyncio.wait_for(asyncio.to_thread(self._running.stdout.readline), START_SECONDS)
        if not line:
            message = f"the suite did not start: {(self._home.parent / 'embedded.log').read_text()[-3000:]}"
            raise RuntimeError(message)
        announced = json.loads(line)
        self.administrator = announced["administrator"]["password"]
        self.databases = announced["postgres"]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self._port}/{service}"

    def now(self) -> datetime:
        return TravellingClock(self._home / "clock.json").now()

    async def travel(self, by: timedelta) -> None:
        async with httpx.AsyncClient(timeout=120, verify=trusted()) as client:
            request = {"seconds": by.total_seconds(), "settle": False}
            (await client.post(f"http://127.0.0.1:{self._port}/clock/travel", json=request)).raise_for_status()

    async def kill(self, service: str) -> None:
        self._running.kill()
        self._running.wait()

    async def close(self) -> None:
        self._running.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(20)
        self._running.kill()
        self.mail.stop()


class DistributedSuite:
    """Four processes, PostgreSQL and a Kafka broker."""

    mode = "distributed"

    def __init__(self, inner: Distributed) -> None:
        self.inner = inner
        self.mail = inner.mail
        self.administrator = inner.administrator
        self.databases = {
            name: process.environment.get("GLEM_DATABASE_URL", "") for name, process in inner.processes.items()
        }

    @classmethod
    async def open(cls, home: Path, broker: Broker) -> "DistributedSuite":
        return cls(await Distributed.open(home, broker, SETTINGS))

    def url(self, service: str) -> str:
        return self.inner.url(service)

    def now(self) -> datetime:
        return self.inner.clock.now()

    async def travel(self, by: timedelta) -> None:
        await self.inner.travel(by)

    async def kill(self, service: str) -> None:
        self.inner.processes[service].kill()

    async def start(self, service: str) -> None:
        self.inner.processes[service].start()
        await self.inner.processes[service].ready()

    async def close(self) -> None:
        await self.inner.close()
