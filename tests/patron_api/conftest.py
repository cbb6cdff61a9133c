"""patron-api on a real PostgreSQL, with the agencies' own files, a clock that travels, and its own log-ins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI

from glem.clock import TravellingClock
from glem.migrations import upgrade
from glem.transport import Message
from glem.transport.local import LocalTransport
from glem_contracts.events.envelope import Event, EventData
from glem_local.postgres import PostgresServer
from glem_retention.agencies import load_agencies
from glem_retention.runtime import Runtime
from patron_api.app import create_app
from patron_api.base import MIGRATIONS, metadata
from patron_api.settings import PatronSettings

KOEGE, AALBORG, RANDERS, STRUER = "DK-725900", "DK-785100", "DK-773000", "DK-767100"
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)
START = datetime(2026, 9, 1, 10, tzinfo=UTC)
BASE = "http://patron-api.test"
SECRET = "administrators-secret"
SERVICE_SECRET = "services-secret"
PIN = "2468"


class Late(httpx.AsyncBaseTransport):
    """Calls an application that is made after its runtime."""

    app: FastAPI

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await httpx.ASGITransport(self.app).handle_async_request(request)


@dataclass
class Suite:
    """The service as its callers and its operators see it."""

    app: FastAPI
    runtime: Runtime
    clock: TravellingClock
    http: httpx.AsyncClient
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    serial: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def cpr(self, born: str = "150680") -> str:
        """Return a replacement number (day + 60) for a birth day DDMMYY; twenty-first century for 00-36."""
        seventh = "4" if int(born[4:]) <= 36 else "1"
        return f"{int(born[:2]) + 60}{born[2:]}{seventh}{self.serial():03}"

    async def admin(self, agency: str = KOEGE) -> dict[str, str]:
        return await self.bearer("administrator", agency)

    async def bearer(self, role: str, agency: str = KOEGE) -> dict[str, str]:
        """Return the headers of a log-in of `role`; accounts and clients are made on the way."""
        if (role, agency) not in self.tokens:
            self.tokens[role, agency] = await self._log_in(role, agency)
        return {"authorization": f"Bearer {self.tokens[role, agency]}"}

    async def _log_in(self, role: str, agency: str) -> str:
        if role == "administrator":
            return (await self.log_in(f"admin-{agency}", SECRET, agency)).json()["access_token"]
        if role == "service":
            form = {"grant_type": "client_credentials", "client_id": "notifier", "client_secret": SERVICE_SECRET}
        elif role in {"automat", "dashboard"}:
            made = await self.http.post("/clients", json={"role": role}, headers=await self.admin(agency))
            form = {"grant_type": "client_credentials", **made.json()}
            form["client_secret"] = form.pop("secret")
        else:
            body = {"username": f"{role}.{agency}", "secret": "a long secret", "role": role}
            assert (await self.http.post("/accounts", json=body, headers=await self.admin(agency))).status_code == 201
            return (await self.log_in(body["username"], body["secret"], agency)).json()["access_token"]
        answer = await self.http.post("/oauth/token", data=form)
        return answer.json()["access_token"]

    async def log_in(self, username: str, password: str, agency: str = KOEGE) -> httpx.Response:
        form = {"grant_type": "password", "username": username, "password": password, "agency": agency}
        return await self.http.post("/oauth/token", data=form)

    async def patron_bearer(self, username: str, agency: str = KOEGE, pin: str = PIN) -> dict[str, str]:
        answer = await self.log_in(username, pin, agency)
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    def make_registration(self, agency: str = KOEGE, **changes: object) -> dict[str, object]:
        body: dict[str, object] = {
            "cpr": self.cpr(),
            "name": "Karen Prøvesen",
            "address": {"street": "Torvet 1", "postal_code": "4600", "city": "Køge"},
            "municipality": "0259",
            "patron_group": "adult",
            "home_branch": agency,
            "pin": PIN,
        }
        return {**body, **changes}

    async def register(self, agency: str = KOEGE, role: str = "librarian", **changes: object) -> httpx.Response:
        body = self.make_registration(agency, **changes)
        return await self.http.post("/patrons", json=body, headers=await self.bearer(role, agency))

    async def make_patron(self, agency: str = KOEGE, **changes: object) -> dict:
        answer = await self.register(agency, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def events(self, kind: type[EventData] | None = None) -> list[dict]:
        """Return the recorded events, oldest first."""
        rows = await self.runtime.database.fetch("SELECT payload FROM outbox ORDER BY seq")
        events = [orjson.loads(row["payload"]) for row in rows]
        return [event for event in events if kind is None or event["type"] == kind.__name__]

    async def hear(self, data: EventData, agency: str = KOEGE) -> None:
        """Deliver an event of loan-api, as a transport would."""
        event = Event.of(data, service="loan-api", agency=agency, subject=1, time=self.clock.now())
        await self.runtime.transport.publish([Message(data.topic, "1", event.to_json())])

    async def run(self, task: str) -> int:
        """Do one pass of a background task."""
        return await next(t for t in self.runtime.tasks if t.name == task).pass_once()

    def travel(self, **by: float) -> datetime:
        return self.clock.travel(timedelta(**by))


@asynccontextmanager
async def opened(url: str, clock_file: Path, agencies: Path = AGENCIES) -> AsyncIterator[Suite]:
    clock = TravellingClock(clock_file)
    if not clock_file.exists():
        clock.freeze(max(START, datetime.now(UTC)))
    settings = PatronSettings(
        database_url=url,
        agencies=agencies,
        transport="local",
        patron_api=BASE,
        service_secret=SERVICE_SECRET,
        bootstrap_admin=",".join(f"admin-{a}:{SECRET}@{a}" for a in (KOEGE, AALBORG, RANDERS, STRUER)),
        argon2_memory_kib=64,
        argon2_passes=1,
    )
    late = Late()
    runtime = await Runtime.open(
        "patron-api",
        settings,
        transport=LocalTransport(),
        clock=clock,
        agencies=read_agencies(agencies),
        asgi={"patron-api": late},
    )
    app = late.app = create_app(runtime)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE) as http,
    ):
        yield Suite(app, runtime, clock, http)
    await runtime.close()


@pytest_asyncio.fixture(scope="session")
async def database_url(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make the tables, the signing key and the administrators once; each test begins by emptying the rest."""
    await postgres.create_database("patron_api_tests")
    url = postgres.url("patron_api_tests")
    await upgrade(url, MIGRATIONS, metadata)
    async with opened(url, tmp_path_factory.mktemp("first") / "clock"):
        pass
    return url


@pytest_asyncio.fixture
async def suite(database_url: str, tmp_path: Path) -> AsyncIterator[Suite]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "DELETE FROM patron; DELETE FROM erasure_request; DELETE FROM erased_patron; DELETE FROM client; DELETE FROM refresh_token; DELETE FROM outbox;"
        " DELETE FROM account WHERE role <> 'administrator' OR username NOT LIKE 'admin-%'"
    )
    await connection.close()
    async with opened(database_url, tmp_path / "clock") as made:
        yield made


@pytest.fixture
def open_again() -> Callable[[str, Path], AbstractAsyncContextManager[Suite]]:
    """Calling it serves a database once more, as after a restart."""
    return opened


@pytest.fixture
def dispose(suite: Suite) -> Callable[..., Awaitable[dict]]:
    """Calling it orders records away as the retention worker does, and returns the outcome."""

    async def order(record_class: str, *record_ids: int, agency: str = KOEGE) -> dict:
        body = {"disposal_id": 7, "agency": agency, "record_class": record_class, "record_ids": record_ids}
        answer = await suite.http.post("/disposals", json=body, headers=await suite.bearer("service"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return order


@pytest.fixture
def overdue(suite: Suite) -> Callable[[str], Awaitable[list[int]]]:
    """Calling it returns what is past its period by the service's own query."""

    async def ask(record_class: str) -> list[int]:
        query = {"agency": KOEGE, "record_class": record_class}
        answer = await suite.http.get("/disposals/overdue", params=query, headers=await suite.bearer("service"))
        return [row["record_id"] for row in answer.json()]

    return ask
