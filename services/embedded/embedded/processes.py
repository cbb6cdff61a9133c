"""The distributed mode on one machine: four services as processes of their own, PostgreSQL, and a Kafka broker.

For `glem distributed` and the tests; in production, docker-compose.yml or anything like it takes this place.
"""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from embedded.development import default_agencies
from embedded.process import Process
from embedded.services import SERVICES
from embedded.suite import secrets_of
from glem.clock import TravellingClock
from glem_local.apache_kafka import DEFAULT_CACHE
from glem_local.broker import Broker, find_broker, free_port
from glem_local.mail import MailCatcher
from glem_local.postgres import PostgresServer
from glem_retention.agencies import load_agencies


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
