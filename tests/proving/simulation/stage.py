"""The stage: loan-api and two workers on real databases, without HTTP servers, background tasks or any clock but ours."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import asyncpg
import httpx
from fastapi import FastAPI

import loan_api.app
import loan_api.base
import retention_worker.app
import retention_worker.base
from glem.background import BackgroundTask
from glem.clock import TravellingClock
from glem.identity import Principal
from glem.migrations import upgrade
from glem.problems import unwrap
from glem.transport import Message
from glem_contracts.events import PolicyAdopted
from glem_contracts.events.envelope import Event, EventData
from glem_retention.agencies import load_agencies
from glem_retention.policy_book import read_versions
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.debts.actions import Desk
from loan_api.settings import LoanSettings
from retention_worker.policies import actions as policies
from retention_worker.policies.schemas import ProposalWanted
from retention_worker.settings import WorkerSettings
from tests.proving.oracle.loan_reader import LoanReader
from tests.proving.simulation.owner import FlakyLine, Line
from tests.proving.simulation.transport import HostileTransport, Weather

LENDING, WORKER = "loan-api", "retention-worker"
LEASE = timedelta(seconds=1)
FAR_FUTURE = 4e9
AUDITS_AT_MOST = 200
SCOPES = frozenset({"retention:dispose", "retention:read", "retention:write", "circulation:write", "debts:write"})


class UnrestError(RuntimeError):
    """The workers and the owner do not come to rest."""


class Trusting:
    """Takes every bearer for the worker: identity is not what is simulated."""

    async def verify(self, token: str) -> Principal:
        """Return the worker, whatever the token."""
        return Principal("retention-worker", "service", "*", SCOPES, FAR_FUTURE)


class Silent(httpx.AsyncBaseTransport):
    """Stands for patron-api's token endpoint."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give a token that Trusting takes."""
        return httpx.Response(200, json={"access_token": "simulated", "expires_in": 10**9}, request=request)


@dataclass
class Stage:
    """What the simulation plays on."""

    clock: TravellingClock
    transport: HostileTransport
    line: FlakyLine
    lending: Runtime
    workers: list[Runtime]
    rules: Lending
    loan_reader: LoanReader
    relay: asyncio.Task[None] | None = None
    worker_answers: bool = True

    @classmethod
    @asynccontextmanager
    async def open(
        cls, urls: Sequence[str], folder: Path, agencies: Path, start: datetime, chance: Random, weather: Weather
    ) -> AsyncIterator["Stage"]:
        """Build everything on two empty databases: lending's and retention's."""
        await upgrade(urls[0], loan_api.base.MIGRATIONS, loan_api.base.metadata)
        await upgrade(urls[1], retention_worker.base.MIGRATIONS, retention_worker.base.metadata)
        clock = TravellingClock(folder / "clock.json")
        clock.freeze(start)
        transport = HostileTransport(chance, weather, clock.now)
        line = FlakyLine()
        async with AsyncExitStack() as stack:
            for url in urls:
                await _spare_the_disk(url)
            transports = dict.fromkeys(("patron-api", "notifier", WORKER), Silent()) | {LENDING: line}
            common = {
                "agencies": agencies,
                "transport": "local",
                "service_secret": secrets.token_hex(8),
                **{name.replace("-", "_"): f"http://{name}.glem" for name in transports},
            }
            known = load_agencies(agencies)

            async def runtime(name: str, settings: LoanSettings | WorkerSettings) -> Runtime:
                opened = await Runtime.open(
                    name, settings, transport=transport, clock=clock, agencies=known, asgi=transports
                )
                opened.verifier = Trusting()  # type: ignore[assignment]
                stack.push_async_callback(opened.close)
                return opened

            lending = await runtime(LENDING, LoanSettings(**common, database_url=urls[0]))  # type: ignore[arg-type]
            app = loan_api.app.create_app(lending)
            line.connect(app)
            key = base64.b64encode(bytes(32)).decode()
            # No library is like the simulated ones, whose days are nothing but floods: no breaker may open.
            settings = WorkerSettings(
                **common,  # type: ignore[arg-type]
                database_url=urls[1],
                lease=LEASE,
                log_key=key,  # type: ignore[arg-type]
                breaker_floor=10**9,
            )
            workers = [await runtime(WORKER, settings) for _ in range(2)]
            for worker in workers:
                retention_worker.app.create_app(worker)
                await policies.adopt_files(worker)
            looking = [await asyncpg.connect(url) for url in urls]
            for connection in looking:
                stack.push_async_callback(connection.close)
            stage = cls(clock, transport, line, lending, workers, _lending_of(app), LoanReader(*looking))
            stage.relay = asyncio.create_task(lending.relay.run())
            stack.push_async_callback(stage._end_relay)
            yield stage

    async def _end_relay(self) -> None:
        if self.relay is not None:
            self.relay.cancel()
            await asyncio.gather(self.relay, return_exceptions=True)

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self.clock.now()

    @property
    def desk(self) -> Desk:
        """What the debts' actions want."""
        return Desk(self.lending, self.rules)

    def staff(self, agency: str, name: str = "staff") -> Principal:
        """Return who may do anything at `agency`."""
        return Principal(name, "librarian", agency, SCOPES, FAR_FUTURE)

    async def sent(self) -> None:
        """Wait until the outbox has been handed to the transport."""
        self.lending.relay.wake()
        await self.lending.relay.drained()

    def task(self, worker: int, name: str) -> BackgroundTask:
        """Return a worker's background task."""
        return next(task for task in self.workers[worker].tasks if task.name == name)

    async def sweep(self) -> int:
        """Let both workers sweep, at the same time."""
        return sum(
            await asyncio.gather(*(self.task(number, "sweep").pass_once() for number in range(len(self.workers))))
        )

    async def interrupted_sweep(self, seconds: float) -> None:
        """Let a worker die in the middle of a sweep."""
        sweep = asyncio.create_task(self.task(0, "sweep").pass_once())
        await asyncio.sleep(seconds)
        sweep.cancel()
        await asyncio.gather(sweep, return_exceptions=True)

    async def audit(self, worker: int) -> int:
        """Let a worker audit until it finds nothing more, both sweeping what it found; return how much that was.

        Raises UnrestError when it comes to no end: owner and worker do not agree on what is due.
        """
        found = 0
        for _ in range(AUDITS_AT_MOST):
            await self._wait_for_leases()
            now_found = await self.task(worker, "audit").pass_once()
            if not now_found:
                return found
            found += now_found
            await self.sweep()
        raise UnrestError(f"after {AUDITS_AT_MOST} audits in a row, {now_found} more records are found")

    async def _wait_for_leases(self) -> None:
        while (seconds := await self._waiting()) > 0:
            await asyncio.sleep(seconds)
            await self.sweep()

    async def _waiting(self) -> float:
        """Return for how many seconds the last of what is leased or put off stays so; in the database's own time."""
        found: float | None = await self.workers[0].database.fetchval(
            """SELECT extract(epoch FROM max(greatest(leased_until, not_before)) - clock_timestamp())::float8
            FROM clock WHERE anchor IS NOT NULL AND greatest(leased_until, not_before) > clock_timestamp()"""
        )
        return found or 0.0

    async def adopt(self, agency: str, record_class: str, period: timedelta, effective: datetime) -> None:
        """Have a change of policy proposed by one and approved by another; loan-api and the other worker receive it at once."""
        worker = self.workers[0]
        wanted = ProposalWanted(
            record_class=record_class,
            period=f"P{period.days}D",  # type: ignore[arg-type]
            wording_da="En simuleret regel",
            wording_en="A simulated rule",
            effective=effective,
        )
        proposal = unwrap(await policies.propose(worker, self.staff(agency, "one"), wanted))
        preview = unwrap(await policies.preview(worker, self.staff(agency, "another"), proposal.proposal_id))
        approver = self.staff(agency, "another")
        adopted = unwrap(await policies.approve(worker, approver, proposal.proposal_id, preview.records))
        event = PolicyAdopted(
            record_class=record_class,
            version=adopted.version,
            period_seconds=int(period.total_seconds()),
            action=self.lending.agencies[agency].retention[record_class].action,
            effective=effective,
        )
        await self.deliver(agency, record_class, event)
        for other in self.workers:
            await read_versions(other.database, other.agencies)

    async def deliver(self, agency: str, subject: int | str, data: EventData) -> None:
        """Deliver an event of another service, by a transport that is well."""
        event = Event.of(data, service="another", agency=agency, subject=subject, time=self.now)
        await self.transport.hand_over([Message(data.topic, event.subject, event.to_json())])

    async def thin_outbox(self) -> None:
        """Delete what was sent, as if its day of grace had passed."""
        await self.lending.database.execute("DELETE FROM outbox WHERE published_at IS NOT NULL")

    def set_line(self, state: Line) -> None:
        """Break or mend the line to loan-api."""
        self.line.state = state


def _lending_of(app: FastAPI) -> Lending:
    rules: Lending = app.state.lending
    return rules


async def _spare_the_disk(url: str) -> None:
    """Commit without waiting for the disk: the machine's death is not what is simulated."""
    connection = await asyncpg.connect(url)
    try:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    finally:
        await connection.close()
