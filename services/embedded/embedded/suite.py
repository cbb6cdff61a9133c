"""The whole suite in one process: one port, one PostgreSQL with four databases, local transport, a clock that can travel.

The services are the same applications as in the distributed mode; only their Runtime differs.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from embedded.services import SERVICES
from glem.background import BackgroundTask
from glem.clock import TravellingClock
from glem.migrations import upgrade
from glem.service import spare_collector
from glem.transport.local import LocalTransport
from glem_local.postgres import PostgresServer
from glem_retention.agencies import Agencies, load_agencies
from glem_retention.runtime import Runtime

SETTLE_ROUNDS = 10_000
SELDOM_SECONDS = 60
LOOK_SECONDS = 10.0


class AppTransport(httpx.AsyncBaseTransport):
    """Calls an application in this process; `connect` may give it after the transport was made."""

    def __init__(self) -> None:
        self._inner: httpx.ASGITransport | None = None

    def connect(self, app: FastAPI) -> None:
        """Send calls to `app`."""
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on; raises httpx.ConnectError before `connect`."""
        if self._inner is None:
            message = "the service has not started"
            raise httpx.ConnectError(message)
        return await self._inner.handle_async_request(request)


def secrets_of(home: Path) -> dict[str, str]:
    """Return this suite's secrets, made at its first start and readable by its owner alone."""
    file = home / "secrets.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({"service": secrets.token_urlsafe(24), "administrator": secrets.token_urlsafe(12)}))
    content: dict[str, str] = json.loads(file.read_text())
    return content


@dataclass
class Suite:
    """A running suite and its parts."""

    home: Path
    agencies: Agencies
    clock: TravellingClock
    postgres: PostgresServer
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    apps: dict[str, FastAPI] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, home: Path, agencies: Path, options: Mapping[str, Any] | None = None, *, hurried: bool = False
    ) -> "Suite":
        """Start PostgreSQL in `home`, bring the databases up to date, and build the services on them.

        `options` are settings for all services that differ from the defaults (`smtp_port`, `sms_url`, …). A `hurried` suite does
        not wait for the disk; its last commits are lost in a crash.
        """
        home.mkdir(parents=True, exist_ok=True)
        known = load_agencies(agencies)
        postgres = await PostgresServer.start(home / "postgres", hurried=hurried)
        suite = cls(home, known, TravellingClock(home / "clock.json"), postgres)
        try:
            await suite._build(agencies, dict(options or {}))
        except BaseException:
            await suite.close()
            raise
        return suite

    async def _build(self, agencies: Path, options: dict[str, Any]) -> None:
        for service in SERVICES:
            await self.postgres.create_database(service.database)
        await asyncio.gather(
            *(
                upgrade(self.postgres.url(service.database), service.migrations, service.metadata)
                for service in SERVICES
            )
        )
        keys = secrets_of(self.home)
        transports = {service.name: AppTransport() for service in SERVICES}
        local = LocalTransport()
        common = {
            "agencies": agencies,
            "transport": "local",
            "service_secret": keys["service"],
            "key_folder": self.home / "keys",
            "witness": self.home / "marks",
            **{service.name.replace("-", "_"): f"http://{service.name}.glem" for service in SERVICES},
            "bootstrap_admin": ",".join(f"admin:{keys['administrator']}@{isil}" for isil in self.agencies),
            **options,
        }
        for service in SERVICES:
            settings = service.settings(**common, database_url=self.postgres.url(service.database))
            runtime = await Runtime.open(
                service.name, settings, transport=local, clock=self.clock, agencies=self.agencies, asgi=transports
            )
            self.runtimes[service.name] = runtime
            self.apps[service.name] = service.create_app(runtime)
            transports[service.name].connect(self.apps[service.name])
            runtime.guard.shut()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the background work of all services; mounted applications do not start theirs by themselves."""
        async with AsyncExitStack() as stack:
            for app in self.apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            spare_collector()
            keeping = asyncio.create_task(self.postgres.keep())
            stack.callback(keeping.cancel)
            await self._looked_at()
            yield

    async def _looked_at(self) -> None:
        """Wait until each service serves, or has found that its database came from a backup, which takes longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                while any(runtime.guard.state == "checking" for runtime in self.runtimes.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    def root(self, *before: Mount, after: Sequence[Mount] = ()) -> Starlette:
        """Return one application with each service under its name, between the mounts `before` and `after`."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        services = [Mount(f"/{name}", app) for name, app in self.apps.items()]
        return Starlette(routes=[*before, *services, *after], lifespan=lifespan)

    async def travel(self, by: timedelta) -> None:
        """Move the clock and wait until everything that became due is done."""
        self.clock.travel(by)
        await self.settle()

    async def settle(self) -> None:
        """Wait until every event is sent and no background task finds anything to do at the present time."""
        rested: set[BackgroundTask] = set()
        for _ in range(SETTLE_ROUNDS):
            await self._drain()
            done = await asyncio.gather(*(_pass_all(runtime, rested) for runtime in self.runtimes.values()))
            if not any(done) and not await self._unsent():
                return
        message = "the suite does not come to rest"
        raise RuntimeError(message)

    async def _drain(self) -> None:
        while await self._unsent():
            for runtime in self.runtimes.values():
                runtime.relay.wake()
            await asyncio.gather(*(runtime.relay.drained() for runtime in self.runtimes.values()))

    async def _unsent(self) -> int:
        return sum([await runtime.relay.unsent() for runtime in self.runtimes.values()])

    async def close(self) -> None:
        """Close all connections and stop PostgreSQL."""
        for runtime in self.runtimes.values():
            await runtime.close()
        await self.postgres.stop()


async def _pass_all(runtime: Runtime, rested: set[BackgroundTask]) -> int:
    """Run each timely background task of a service once, and return how much they did.

    `rested` holds the tasks that run once a minute or less and found nothing at this instant; they are not run again.
    """
    found = 0
    for task in runtime.tasks:
        if task.timely and task not in rested:
            done = await task.pass_once()
            found += done
            if not done and task.every >= SELDOM_SECONDS:
                rested.add(task)
    return found
