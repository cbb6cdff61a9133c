"""A retention worker on real PostgreSQL, with owners that keep their records in a list."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import MetaData

from embedded.suite import AppTransport
from glem.clock import TravellingClock
from glem.transport import Message
from glem.transport.local import LocalTransport
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events import LoanReturned
from glem_contracts.events.envelope import Event, EventData, RecordClock
from glem_retention.agencies import load_agencies
from glem_retention.runtime import Runtime
from retention_worker.app import create_app
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.settings import WorkerSettings
from tests.signing import JWKS, sign

KOEGE, STRUER = "DK-725900", "DK-767100"
START = datetime(2026, 9, 1, 12, tzinfo=UTC)
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)


def token(role: str, scopes: str, agency: str = "*") -> str:
    return sign(role, role, agency, scopes)


@dataclass
class Owner:
    """An owner of records that obeys the contract of disposals; faults can be planted."""

    anchors: dict[int, datetime | None] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    orders: list[DisposalOrder] = field(default_factory=list)
    poison: set[int] = field(default_factory=set)
    locked_once: set[int] = field(default_factory=set)
    away: bool = False
    lose_answer: bool = False
    overdue: list[OverdueRecord] = field(default_factory=list)
    cutoff: Callable[[DisposalOrder], datetime] = lambda _: datetime.max.replace(tzinfo=UTC)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/jwks.json")
        async def keys() -> dict[str, object]:
            return JWKS

        @app.post("/oauth/token")
        async def log_in() -> dict[str, object]:
            return {"access_token": token("service", "retention:dispose"), "expires_in": 3600}

        @app.post("/disposals")
        async def dispose(order: DisposalOrder, request: Request) -> DisposalOutcome:
            assert request.headers["authorization"].startswith("Bearer ")
            return self.dispose(order)

        @app.get("/disposals/overdue")
        async def overdue(agency: str, record_class: str, limit: int) -> list[OverdueRecord]:
            return self.overdue[:limit] if (agency, record_class) == (KOEGE, "loan") else []

        return app

    def dispose(self, order: DisposalOrder) -> DisposalOutcome:
        if self.away:
            raise HTTPException(503)
        if self.poison.intersection(order.record_ids):
            raise HTTPException(500)
        self.orders.append(order)
        outcome = DisposalOutcome()
        for record_id in order.record_ids:
            if record_id not in self.anchors:
                outcome.gone.append(record_id)
                continue
            anchor = self.anchors[record_id]
            if record_id in self.locked_once:
                self.locked_once.discard(record_id)
                outcome.refused.append(RefusedDisposal(record_id=record_id, reason="locked", version=0, anchor=None))
                continue
            if anchor is None or anchor > self.cutoff(order):
                reason = "held" if anchor is None else "not-due"
                version = self.versions.get(record_id, 1)
                outcome.refused.append(
                    RefusedDisposal(record_id=record_id, reason=reason, version=version, anchor=anchor)
                )
                continue
            del self.anchors[record_id]
            outcome.erased.append(record_id)
        if self.lose_answer:
            raise HTTPException(504)
        return outcome


@dataclass
class Worker:
    """The worker under test: its runtime, its clock, its owners, and a way to send it events."""

    runtime: Runtime
    clock: TravellingClock
    owner: Owner
    transport: LocalTransport
    client: httpx.AsyncClient

    async def send(self, *events: Event) -> None:
        await self.transport.publish([Message(event.data.topic, event.subject, event.to_json()) for event in events])

    def returned(self, record_id: int, at: datetime | None, *, version: int = 1, agency: str = KOEGE) -> Event:
        """An event saying that loan `record_id` was returned and its clock stands at `at`."""
        if version >= self.owner.versions.get(record_id, 0):
            self.owner.anchors[record_id] = at
            self.owner.versions[record_id] = version
        clock = RecordClock(record_class="loan", record_id=record_id, version=version, anchor=at)
        data = LoanReturned(patron_id=1, branch="x", returned_at=at or self.clock.now(), late=False, clocks=[clock])
        return self.event(data, record_id, agency=agency)

    def event(self, data: EventData, subject: int, *, agency: str = KOEGE) -> Event:
        return Event.of(data, service="loan-api", agency=agency, subject=subject, time=self.clock.now())

    async def hear_itself(self) -> None:
        """Deliver the events that the worker has recorded, its own clocks among them."""
        rows = await self.runtime.database.fetch("SELECT topic, key, payload FROM outbox ORDER BY seq")
        await self.transport.publish([Message(row["topic"], row["key"], row["payload"]) for row in rows])

    async def sweep(self) -> int:
        return await self.task("sweep")

    async def task(self, name: str) -> int:
        [task] = [task for task in self.runtime.tasks if task.name == name]
        return await task.pass_once()

    async def travel(self, **by: float) -> None:
        self.clock.travel(timedelta(**by))

    async def register(self) -> list[dict[str, object]]:
        rows = await self.runtime.database.fetch("SELECT * FROM register ORDER BY record_class, record_id")
        return [dict(row) for row in rows]

    async def clocks(self) -> dict[int, dict[str, object]]:
        return {row["record_id"]: dict(row) for row in await self.runtime.database.fetch("SELECT * FROM clock")}


class Transport(httpx.AsyncBaseTransport):
    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(request)


MakeWorker = Callable[[], Awaitable[Worker]]


@asynccontextmanager
async def open_worker(url: str, folder: Path, owner: Owner) -> AsyncIterator[Worker]:
    settings = WorkerSettings(
        database_url=url,
        agencies=AGENCIES,
        transport="local",
        service_secret="s",
        order_size=100,
        patron_api="http://patrons.test",
        loan_api="http://loans.test",
        notifier="http://messages.test",
        retention_worker="http://worker.test",
    )
    transport, clock = LocalTransport(), TravellingClock(folder / "clock.json")
    itself = AppTransport()
    others = dict.fromkeys(("patron-api", "loan-api", "notifier"), Transport(owner.app()))
    asgi = {**others, "retention-worker": itself}
    runtime = await Runtime.open(
        "retention-worker", settings, transport=transport, clock=clock, agencies=read_agencies(AGENCIES), asgi=asgi
    )
    app = create_app(runtime)
    itself.connect(app)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker.test")
    yield Worker(runtime, clock, owner, transport, client)
    await client.aclose()
    await runtime.close()


@pytest.fixture
async def worker(
    migrated_database: Callable[[Path, MetaData], Awaitable[str]], tmp_path: Path
) -> AsyncIterator[Worker]:
    url = await migrated_database(MIGRATIONS, metadata)
    async with open_worker(url, tmp_path, Owner()) as worker:
        yield worker
