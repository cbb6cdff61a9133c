"""The distributed mode on one machine: four services as processes of their own, PostgreSQL, and a Kafka broker.

For `glem distributed` and the tests; in production, docker-compose.yml or anything like it takes this place.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import httpx
from rich.console import Console

from embedded.development import default_agencies
from embedded.services import SERVICES
from embedded.suite import secrets_of
from glem.clock import TravellingClock
from glem_local.apache_kafka import DEFAULT_CACHE
from glem_local.broker import Broker, find_broker, free_port
from glem_local.mail import MailCatcher
from glem_local.postgres import PostgresServer
from glem_retention.agencies import load_agencies

READY_SECONDS = 180.0


@dataclass
class Process:
    """A program of the suite that can be killed and started again on the same port and data."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    url: str
    ready_path: str
    log: Path
    _running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, *self.arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it answers that it is ready; raises RuntimeError when it dies or takes three minutes."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with httpx.AsyncClient() as client:
            while True:
                if self._running is None or self._running.poll() is not None:
                    message = f"{self.name} did not start; see {self.log}"
                    raise RuntimeError(message)
                try:
                    if (await client.get(self.url + self.ready_path)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                if asyncio.get_running_loop().time() > deadline:
                    message = f"{self.name} is not ready after {READY_SECONDS:.0f} s; see {self.log}"
                    raise RuntimeError(message)
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._running is None:
            return
        self._running.send_signal(how)
        try:
            self._running.wait(20)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running = None


@dataclass
class Distributed:
    """A running distributed suite. `clock` is shared by all processes through its file."""

    home: Path
    postgres: PostgresServer
    broker: Broker
    mail: MailCatcher
    clock: TravellingClock
    administrator: str
    processes: dict[str, Process] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, home: Path, broker: Broker | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> "Distributed":
        """Start everything in `home`, on `broker` or the best that this machine has, and wait until it is ready.

        `settings` are further variables of the services' environment. Raises BrokerError when this machine has no broker.
        """
        home.mkdir(parents=True, exist_ok=True)
        broker = broker or await find_broker(DEFAULT_CACHE, home / "kafka")
        postgres = await PostgresServer.start(home / "postgres")
        for service in SERVICES:
            await postgres.create_database(service.database)
        mail = MailCatcher(free_port())
        mail.start()
        suite = cls(
            home,
            postgres,
            broker,
            mail,
            TravellingClock(home / "clock.json"),
            secrets_of(home)["administrator"],
        )
        suite._describe(settings)
        for process in suite.processes.values():
            process.start()
        await asyncio.gather(*(process.ready() for process in suite.processes.values()))
        return suite

    def _describe(self, settings: Mapping[str, str]) -> None:
        ports = {service.name: free_port() for service in SERVICES}
        sms_port = free_port()
        agencies = default_agencies()
        keys = secrets_of(self.home)
        common = {
            "GLEM_AGENCIES": str(agencies),
            "GLEM_TRANSPORT": "kafka",
            "GLEM_KAFKA": self.broker.bootstrap,
            "GLEM_INSTANCE": "1",
            "GLEM_SERVICE_SECRET": keys["service"],
            "GLEM_CLOCK_FILE": str(self.home / "clock.json"),
            "GLEM_BOOTSTRAP_ADMIN": ",".join(
                f"admin:{keys['administrator']}@{isil}" for isil in load_agencies(agencies)
            ),
            "GLEM_KEY_FOLDER": str(self.home / "keys"),
            "GLEM_WITNESS": str(self.home / "marks"),
            "GLEM_SMTP_HOST": "127.0.0.1",
            "GLEM_SMTP_PORT": str(self.mail.port),
            "GLEM_SMTP_TLS": "none",
            "GLEM_SMS_URL": f"http://127.0.0.1:{sms_port}/messages",
            "GLEM_LOG_LEVEL": "INFO",
            **{f"GLEM_{name.replace('-', '_').upper()}": f"http://127.0.0.1:{port}" for name, port in ports.items()},
            **settings,
        }
        self.processes["sms-gateway"] = Process(
            "sms-gateway",
            ["-m", "glem_local.sms_gateway"],
            {"SMS_GATEWAY_PORT": str(sms_port)},
            f"http://127.0.0.1:{sms_port}",
            "/health/live",
            self.home / "sms-gateway.log",
        )
        for service in SERVICES:
            own = {"GLEM_DATABASE_URL": self.postgres.url(service.database), "GLEM_PORT": str(ports[service.name])}
            self.processes[service.name] = Process(
                service.name,
                ["-m", service.module],
                {**common, **own},
                f"http://127.0.0.1:{ports[service.name]}",
                "/health/ready",
                self.home / f"{service.name}.log",
            )

    def url(self, service: str) -> str:
        """Return the base URL of `service`."""
        return self.processes[service].url

    async def travel(self, by: timedelta) -> None:
        """Move the clock of all processes; they notice at once."""
        self.clock.travel(by)

    async def restart(self, service: str) -> None:
        """Kill `service` and bring it back."""
        self.processes[service].kill()
        self.processes[service].start()
        await self.processes[service].ready()

    async def close(self) -> None:
        """Stop everything."""
        for process in self.processes.values():
            process.stop()
        self.mail.stop()
        await self.broker.stop()
        await self.postgres.stop()


async def serve_distributed(home: Path, console: Console) -> None:
    """Serve the distributed suite until interrupted, and print where everything is."""
    console.print("Starting PostgreSQL, a Kafka broker and four services …")
    suite = await Distributed.open(home)
    console.print(f"Broker: {suite.broker.kind} at {suite.broker.bootstrap}")
    for name, process in suite.processes.items():
        console.print(f"  {name:<18} {process.url}   log {process.log}")
    console.print(f"Administrator of every library: admin / {suite.administrator}. Stop with Ctrl-C.")
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        await suite.close()
