"""loan-api on a real PostgreSQL, with a clock that stands still, tokens of our own, and a patron-api that knows whom we make."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import FastAPI, Response

from glem.clock import TravellingClock, local_date
from glem.ids import new_id
from glem.migrations import upgrade
from glem.transport import Message
from glem.transport.local import LocalTransport
from glem_contracts.events import PatronErased
from glem_contracts.events.envelope import Event, EventData
from glem_local.postgres import PostgresServer
from glem_retention.agencies import load_agencies
from glem_retention.runtime import Runtime
from loan_api.app import create_app
from loan_api.base import MIGRATIONS, metadata
from loan_api.settings import LoanSettings
from tests.signing import JWKS, sign

KOEGE, AALBORG, RANDERS, STRUER = "DK-725900", "DK-785100", "DK-773000", "DK-767100"
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)
DAY = timedelta(days=1)
LIBRARIAN = (
    "patrons:read patrons:write circulation:read circulation:write debts:write messages:read notes:read catalogue:read"
)
SCOPES = {
    "patron": "self",
    "guardian": "self",
    "librarian": LIBRARIAN,
    "administrator": f"{LIBRARIAN} catalogue:write clients:write patrons:protected",
    "automat": "patrons:identify circulation:write",
    "service": "patrons:resolve patrons:close patrons:export titles:resolve retention:dispose retention:read receipts:issue",
    "dpo": "retention:read retention:write patrons:read",
    "dashboard": "events:read retention:read",
}


def token(role: str, agency: str, subject: str = "somebody", **claims: object) -> str:
    return sign(subject, role, agency, SCOPES[role], **claims)


def patron_api(snapshots: dict[int, dict[str, object]]) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/jwks.json")
    async def keys() -> dict[str, object]:
        return JWKS

    @app.post("/oauth/token")
    async def log_in() -> dict[str, object]:
        return {"access_token": token("service", "*", "loan-api"), "expires_in": 3600}

    @app.get("/patrons/{patron_id}/snapshot")
    async def snapshot(patron_id: int, response: Response) -> dict[str, object] | None:
        if patron_id in snapshots:
            return snapshots[patron_id]
        response.status_code = 404
        return None

    return app


@dataclass
class Library:
    """loan-api, and what people do and see in it; Køge where nothing else is said."""

    runtime: Runtime
    app: FastAPI
    clock: TravellingClock
    client: httpx.AsyncClient
    snapshots: dict[int, dict[str, object]]
    seen: int = field(default=0)

    @property
    def today(self) -> date:
        return local_date(self.clock.now())

    async def call(
        self, method: str, path: str, role: str = "librarian", agency: str = KOEGE, **more: object
    ) -> httpx.Response:
        subject = str(more.pop("subject", "somebody"))
        headers = {"authorization": "Bearer " + token(role, agency, subject), **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def as_patron(self, patron_id: int, method: str, path: str, **more: object) -> httpx.Response:
        return await self.call(method, path, "patron", subject=patron_id, **more)

    def make_patron(self, agency: str = KOEGE, **fields: object) -> int:
        patron_id = new_id()
        snapshot = {
            "patron_id": patron_id,
            "agency": agency,
            "version": 1,
            "patron_group": "adult",
            "age_band": 15,
            "home_branch": agency,
            "blocks": [],
            "absent_from": None,
            "absent_until": None,
        }
        self.snapshots[patron_id] = snapshot | fields
        return patron_id

    async def hear(self, data: EventData, agency: str = KOEGE, subject: int = 1) -> None:
        if isinstance(data, PatronErased):
            self.snapshots.pop(data.patron_id, None)
        await self.forge(data, agency, subject)

    async def forge(self, data: EventData, agency: str = KOEGE, subject: int = 1) -> None:
        """An event as anybody could write it who reaches the broker."""
        event = Event.of(data, service="patron-api", agency=agency, subject=subject, time=self.clock.now())
        await self.runtime.transport.publish([Message(data.topic, str(subject), event.to_json())])

    async def make_items(self, count: int = 1, agency: str = KOEGE, **work: object) -> list[str]:
        """A new work with `count` items; returns their barcodes."""
        record = {"record_id": f"870970-basis:{new_id()}", "title": "Kongens Fald", "creator": "Johannes V. Jensen"}
        works = await self.put("works", [record | {"type": "book", "language": "Dansk"} | work], agency)
        barcodes = [f"{new_id()}" for _ in range(count)]
        lines = [{"barcode": code, "record_id": record["record_id"], "branch": agency} for code in barcodes]
        items = await self.put("items", lines, agency)
        assert (works["imported"], items["imported"]) == (1, count), (works, items)
        return barcodes

    async def put(self, what: str, lines: list[object], agency: str = KOEGE) -> dict[str, object]:
        body = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
        answer = await self.call("PUT", f"/{what}", "administrator", agency, content=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def check_out(self, patron_id: int, item: str, agency: str = KOEGE, **more: object) -> httpx.Response:
        return await self.call("POST", "/loans", "automat", agency, json={"patron_id": patron_id, "item": item, **more})

    async def lend(self, patron_id: int, item: str, agency: str = KOEGE, **more: object) -> dict[str, object]:
        answer = await self.check_out(patron_id, item, agency, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def check_in(self, item: str, agency: str = KOEGE, key: str | None = None, **more: object) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"item": item, "branch": agency, **more}
        return await self.call("POST", "/returns", "automat", agency, json=body, headers=headers)

    async def take_back(self, item: str, agency: str = KOEGE, **more: object) -> dict[str, object]:
        answer = await self.check_in(item, agency, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def reserve(self, patron_id: int, item: str, agency: str = KOEGE, **more: object) -> httpx.Response:
        body = {"patron_id": patron_id, "work_id": await self.work_of(item, agency), **more}
        return await self.call("POST", "/reservations", agency=agency, json=body)

    async def queue(self, patron_id: int, item: str, agency: str = KOEGE, **more: object) -> int:
        answer = await self.reserve(patron_id, item, agency, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()["reservation_id"]

    async def reservations(self, patron_id: int, agency: str = KOEGE) -> list[dict[str, object]]:
        return (await self.call("GET", f"/patrons/{patron_id}/reservations", agency=agency)).json()

    async def loans(self, patron_id: int, agency: str = KOEGE) -> list[dict[str, object]]:
        return (await self.call("GET", f"/patrons/{patron_id}/loans", agency=agency)).json()

    async def work_of(self, item: str, agency: str = KOEGE) -> str:
        return (await self.call("GET", f"/items/{item}", agency=agency)).json()["work_id"]

    async def item_state(self, item: str, agency: str = KOEGE) -> str:
        return (await self.call("GET", f"/items/{item}", agency=agency)).json()["state"]

    async def charge(
        self, patron_id: int, amount: int, loan_id: int | None = None, agency: str = KOEGE
    ) -> httpx.Response:
        body = {"patron_id": patron_id, "loan_id": loan_id, "kind": "fee", "amount": amount, "cause": "other"}
        return await self.call("POST", "/debts", agency=agency, json=body)

    async def pay(self, patron_id: int, amount: int, agency: str = KOEGE) -> httpx.Response:
        body = {"order_id": f"o{new_id()}", "patron_id": patron_id, "amount": amount}
        return await self.call("POST", "/payments", agency=agency, json=body)

    async def dispose(self, *record_ids: int, agency: str = KOEGE, record_class: str = "loan") -> dict[str, object]:
        order = {"disposal_id": new_id(), "agency": agency, "record_class": record_class, "record_ids": record_ids}
        answer = await self.call("POST", "/disposals", "service", "*", json=order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def overdue(self, agency: str = KOEGE) -> list[int]:
        query = {"agency": agency, "record_class": "loan"}
        answer = await self.call("GET", "/disposals/overdue", "service", "*", params=query)
        return [record["record_id"] for record in answer.json()]

    async def events(self, *names: str) -> list[dict[str, object]]:
        """The events recorded since the last time we asked, of these types."""
        rows = await self.runtime.database.fetch(
            "SELECT seq, payload FROM outbox WHERE seq > $1 ORDER BY seq", self.seen
        )
        self.seen = rows[-1]["seq"] if rows else self.seen
        events = [orjson.loads(row["payload"]) for row in rows]
        return [event for event in events if not names or event["type"] in names]

    async def pass_calendar(self) -> None:
        [task] = [task for task in self.runtime.tasks if task.name == "calendar"]
        while await task.pass_once():
            pass


@pytest.fixture
def problem() -> Callable[[httpx.Response], tuple[int, str]]:
    """The status and the kind of a refusal."""
    return lambda answer: (answer.status_code, answer.json()["type"].removeprefix("urn:glem:problem:"))


@pytest.fixture(scope="session")
async def address(postgres: PostgresServer) -> str:
    name = f"test_{secrets.token_hex(8)}"
    await postgres.create_database(name)
    await upgrade(postgres.url(name), MIGRATIONS, metadata)
    return postgres.url(name)


@pytest.fixture(scope="session")
def agency_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries' own files; in Aalborg a debt holds all loans of its patron (the wide reading, H24)."""
    folder = tmp_path_factory.mktemp("agencies")
    for file in AGENCIES.glob("*.toml"):
        text = file.read_text()
        if f'"{AALBORG}"' in text:
            text = text.replace('fee_scope = "loan"', 'fee_scope = "patron"')
        (folder / file.name).write_text(text)
    return folder


@pytest.fixture
async def library(address: str, agency_files: Path, tmp_path: Path) -> AsyncIterator[Library]:
    settings = LoanSettings(
        database_url=address,
        agencies=agency_files,
        transport="local",
        service_secret="s",
        patron_api="http://patrons.test",
    )
    clock = TravellingClock(tmp_path / "clock.json")
    clock.freeze(START)
    snapshots: dict[int, dict[str, object]] = {}
    runtime = await Runtime.open(
        "loan-api",
        settings,
        transport=LocalTransport(),
        clock=clock,
        agencies=read_agencies(agency_files),
        asgi={"patron-api": httpx.ASGITransport(patron_api(snapshots))},
    )
    await runtime.database.execute("; ".join(f"DELETE FROM {table}" for table in metadata.tables))
    app = create_app(runtime)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loans.test")
    yield Library(runtime, app, clock, client, snapshots)
    await client.aclose()
    await runtime.close()
