"""A notifier on real PostgreSQL, a real mail server and a real SMS gateway; its peers keep what they know in a list."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import MetaData

from glem.clock import TravellingClock
from glem.ids import new_id
from glem.transport import Message
from glem.transport.local import LocalTransport
from glem_contracts.contacts import ContactsWanted, ReachablePatron
from glem_contracts.events import (
    DebtRaised,
    LoanDueSoon,
    LoanErased,
    LoanOpened,
    LoanOverdue,
    LoanReturned,
    PatronErased,
    ReservationReady,
)
from glem_contracts.events.envelope import Erasure, Event, EventData
from glem_contracts.snapshots import Snapshot
from glem_contracts.titles import Titles, TitlesWanted
from glem_local.broker import free_port
from glem_retention.agencies import load_agencies
from glem_retention.runtime import Runtime
from notifier.app import create_app
from notifier.base import MIGRATIONS, metadata
from notifier.settings import NotifierSettings
from tests.notifier.gateways import MailServer, SmsServer
from tests.signing import JWKS, sign

KOEGE, RANDERS, STRUER = "DK-725900", "DK-773000", "DK-767100"
START = datetime(2100, 3, 1, 12, tzinfo=UTC)
DUE_ON = date(2100, 3, 29)
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)


def token(role: str, scopes: str, *, subject: str = "somebody", agency: str = KOEGE) -> dict[str, str]:
    return {"authorization": f"Bearer {sign(subject, role, agency, scopes)}"}


@dataclass
class Peers:
    """patron-api and loan-api by their contracts."""

    contacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, dict[int, dict[str, Any]]] = field(
        default_factory=lambda: {"loan": {}, "reservation": {}, "debt": {}}
    )
    questions: Counter[str] = field(default_factory=Counter)
    away: bool = False
    living: set[int] = field(default_factory=set)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/jwks.json")
        async def keys() -> dict[str, object]:
            return JWKS

        @app.post("/oauth/token")
        async def log_in() -> dict[str, object]:
            return {"access_token": "service", "expires_in": 3600}

        @app.post("/contacts/resolve")
        async def contacts(question: ContactsWanted, request: Request) -> list[ReachablePatron]:
            self.check(request, question.patron_ids)
            known = [self.contacts[patron] for patron in question.patron_ids if patron in self.contacts]
            return [ReachablePatron(**patron) for patron in known]

        @app.post("/titles/resolve")
        async def titles(question: TitlesWanted, request: Request) -> Titles:
            asked = {"loan": question.loan_ids, "reservation": question.reservation_ids, "debt": question.debt_ids}
            self.check(request, *asked.values())
            return Titles.model_validate(
                {
                    f"{name}s": [records[id_] for id_ in asked[name] if id_ in records]
                    for name, records in self.records.items()
                }
            )

        @app.get("/patrons/{patron_id}/snapshot")
        async def snapshot(patron_id: int) -> Snapshot:
            if patron_id not in self.living:
                raise HTTPException(410)
            return Snapshot(
                patron_id=patron_id,
                agency=KOEGE,
                version=1,
                patron_group="adult",
                age_band=0,
                home_branch="x",
                blocks=[],
                absent_from=None,
                absent_until=None,
            )

        return app

    def check(self, request: Request, *ids: list[int]) -> None:
        assert request.headers["authorization"] == "Bearer service"
        assert all(len(part) <= 500 for part in ids)
        self.questions[request.url.path] += 1
        if self.away:
            raise HTTPException(503)

    def patron(self, agency: str = KOEGE, **changes: Any) -> int:
        patron_id = new_id()
        self.contacts[patron_id] = {
            "patron_id": patron_id,
            "agency": agency,
            "language": "da",
            "name": "Test Testesen",
            "protected": False,
            "email": f"p{patron_id}@example.org",
            "sms": None,
            "patron_note": None,
            "deceased": False,
            **changes,
        }
        return patron_id

    def loan(self, patron_id: int, title: str = "Rejsen til Saturn", **changes: Any) -> int:
        known = {"title": title, "creator": "Nørgaard", "due_on": str(DUE_ON), "returned_at": None}
        return self._add("loan", patron_id, known | changes)

    def reservation(self, patron_id: int, title: str = "Sult", **changes: Any) -> int:
        known = {
            "title": title,
            "creator": "",
            "pickup_branch": "DK-725900",
            "pickup_deadline": "2100-03-08",
            "pickup_number": 17,
        }
        return self._add("reservation", patron_id, known | changes)

    def debt(self, patron_id: int, **changes: Any) -> int:
        known = {
            "kind": "compensation",
            "cause": "lost",
            "amount": 29950,
            "balance": 29950,
            "raised_at": START.isoformat(),
            "titles": ["Sult"],
        }
        return self._add("debt", patron_id, known | changes)

    def _add(self, name: str, patron_id: int, known: dict[str, Any]) -> int:
        record_id = new_id()
        self.records[name][record_id] = {f"{name}_id": record_id, "patron_id": patron_id, **known}
        return record_id


@dataclass
class Notifier:
    """The notifier under test, and everything around it."""

    runtime: Runtime
    clock: TravellingClock
    peers: Peers
    mail: MailServer
    sms: SmsServer
    transport: LocalTransport
    client: httpx.AsyncClient
    app: FastAPI

    def event(self, data: EventData, subject: int, *, agency: str = KOEGE) -> Event:
        return Event.of(data, service="loan-api", agency=agency, subject=subject, time=self.clock.now())

    def opened(self, patron_id: int, loan_id: int, *, agency: str = KOEGE, receipt: bool = True) -> Event:
        data = LoanOpened(patron_id=patron_id, branch="x", due_on=DUE_ON, receipt=receipt)
        return self.event(data, loan_id, agency=agency)

    def returned(self, patron_id: int, loan_id: int) -> Event:
        data = LoanReturned(patron_id=patron_id, branch="x", returned_at=self.clock.now(), late=False, receipt=True)
        return self.event(data, loan_id)

    def ready(self, patron_id: int, reservation_id: int) -> Event:
        data = ReservationReady(
            patron_id=patron_id, pickup_branch="DK-725900", pickup_deadline=date(2100, 3, 8), pickup_number=17
        )
        return self.event(data, reservation_id)

    def due_soon(self, patron_id: int, *loan_ids: int) -> Event:
        return self.event(LoanDueSoon(patron_id=patron_id, loan_ids=list(loan_ids), due_on=DUE_ON), loan_ids[0])

    def overdue(self, patron_id: int, *loan_ids: int, reminder: int = 1) -> Event:
        data = LoanOverdue(patron_id=patron_id, loan_ids=list(loan_ids), due_on=DUE_ON, reminder=reminder)
        return self.event(data, loan_ids[0])

    def raised(self, patron_id: int, debt_id: int, *, agency: str = KOEGE, kind: str = "compensation") -> Event:
        data = DebtRaised(
            patron_id=patron_id,
            kind=kind,
            amount=29950,
            balance=29950,
            patron_balance=29950,
            balance_version=1,
            over_limit=True,
        )
        return self.event(data, debt_id, agency=agency)

    def loans_erased(self, *loan_ids: int) -> Event:
        erased = [Erasure(record_class="loan", record_ids=list(loan_ids))]
        return self.event(LoanErased(erased=erased), loan_ids[0])

    def patron_erased(self, patron_id: int) -> Event:
        return self.event(PatronErased(patron_id=patron_id), patron_id)

    async def hear(self, *events: Event) -> None:
        await self.transport.publish([Message(event.data.topic, event.subject, event.to_json()) for event in events])

    async def send(self) -> int:
        [task] = [task for task in self.runtime.tasks if task.name == "send-messages"]
        return await task.pass_once()

    async def tell(self, *events: Event) -> None:
        await self.hear(*events)
        await self.send()

    async def be_patient(self) -> None:
        """Let the wait of everything queued be over."""
        await self.runtime.database.execute("UPDATE delivery SET not_before = now()")

    async def overview(self, patron_id: int, *, agency: str = KOEGE) -> list[dict[str, Any]]:
        answer = await self.client.get(
            f"/patrons/{patron_id}/messages", headers=token("librarian", "messages:read", agency=agency)
        )
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, Any]] = answer.json()
        return lines

    async def line(self, patron_id: int, *, agency: str = KOEGE) -> dict[str, Any]:
        [line] = await self.overview(patron_id, agency=agency)
        return line

    async def recorded(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.runtime.database.fetch(
            "SELECT convert_from(payload, 'UTF8')::jsonb AS e FROM outbox ORDER BY seq"
        )
        return [row["e"] for row in rows if row["e"]["type"] == kind]

    async def count(self, table: str) -> int:
        number: int = await self.runtime.database.fetchval(f"SELECT count(*) FROM {table}")
        return number

    async def order(self, record_class: str, *ids: int, agency: str = KOEGE) -> dict[str, Any]:
        order = {"disposal_id": 1, "agency": agency, "record_class": record_class, "record_ids": list(ids)}
        answer = await self.client.post("/disposals", json=order, headers=token("service", "retention:dispose"))
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()
        return outcome


class Transport(httpx.AsyncBaseTransport):
    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(request)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer(free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def sms_server() -> AsyncIterator[SmsServer]:
    server = SmsServer(free_port())
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def open_notifier(
    url: str, folder: Path, peers: Peers, mail: MailServer, sms: SmsServer, agencies: Path = AGENCIES
) -> AsyncIterator[Notifier]:
    settings = NotifierSettings(
        database_url=url,
        agencies=agencies,
        transport="local",
        service_secret="s",
        key_folder=folder / "keys",
        patron_api="http://patrons.test",
        loan_api="http://loans.test",
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_tls="none",
        sms_url=f"http://127.0.0.1:{sms.port}/messages",
        sms_token="sms-secret",
    )
    transport, clock = LocalTransport(), TravellingClock(folder / "clock.json")
    asgi = dict.fromkeys(("patron-api", "loan-api"), Transport(peers.app()))
    runtime = await Runtime.open(
        "notifier", settings, transport=transport, clock=clock, agencies=read_agencies(agencies), asgi=asgi
    )
    app = create_app(runtime)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notifier.test")
    yield Notifier(runtime, clock, peers, mail, sms, transport, client, app)
    await client.aclose()
    await runtime.close()


@pytest.fixture
async def notifier(
    migrated_database: Callable[[Path, MetaData], Awaitable[str]],
    tmp_path: Path,
    mail_server: MailServer,
    sms_server: SmsServer,
) -> AsyncIterator[Notifier]:
    url = await migrated_database(MIGRATIONS, metadata)
    TravellingClock(tmp_path / "clock.json").freeze(START)
    async with open_notifier(url, tmp_path, Peers(), mail_server, sms_server) as notifier:
        yield notifier


@pytest.fixture
def fresh_agencies(tmp_path: Path) -> Callable[[str, str], Path]:
    """Calling it gives a folder of agencies' files in which one text is replaced by another."""

    def make(old: str, new: str) -> Path:
        folder = tmp_path / "agencies"
        folder.mkdir()
        for file in AGENCIES.glob("*.toml"):
            content = file.read_text()
            assert old in content
            (folder / file.name).write_text(content.replace(old, new))
        return folder

    return make


def days(number: float) -> timedelta:
    return timedelta(days=number)
