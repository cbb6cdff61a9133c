"""loan-api on a real PostgreSQL with a clock that stands still, tokens of our own, and loans put in by hand."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest
from fastapi import FastAPI

from glem.clock import TravellingClock, local_date
from glem.ids import new_id
from glem.migrations import upgrade
from glem.transport.local import LocalTransport
from glem_local.postgres import PostgresServer
from glem_retention.agencies import load_agencies
from glem_retention.runtime import Runtime
from loan_api.app import create_app
from loan_api.base import MIGRATIONS, metadata
from loan_api.borrowers.store import find_borrower
from loan_api.settings import LoanSettings
from tests.signing import JWKS, sign

KOEGE, AALBORG, RANDERS, STRUER = "DK-725900", "DK-785100", "DK-773000", "DK-767100"
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)
STAFF = "patrons:read circulation:read circulation:write debts:write"
DAY = timedelta(days=1)


def token(subject: str, role: str, agency: str, scopes: str) -> str:
    return sign(subject, role, agency, scopes)


def patron_api() -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/jwks.json")
    async def keys() -> dict[str, object]:
        return JWKS

    @app.post("/oauth/token")
    async def log_in() -> dict[str, object]:
        return {"access_token": token("loan-api", "service", "*", "patrons:resolve"), "expires_in": 3600}

    return app


@dataclass
class Returned:
    """What a return cost, and whether a debt holds the loan now."""

    debts: list[SimpleNamespace]
    holds: bool


@dataclass
class Library:
    """loan-api and what a librarian does and sees in it."""

    runtime: Runtime
    app: FastAPI
    clock: TravellingClock
    client: httpx.AsyncClient

    def staff(self, agency: str) -> dict[str, str]:
        return {"authorization": "Bearer " + token("desk", "librarian", agency, STAFF)}

    def patron(self, patron_id: int, agency: str) -> dict[str, str]:
        return {"authorization": "Bearer " + token(str(patron_id), "patron", agency, "self")}

    def worker(self) -> dict[str, str]:
        return {"authorization": "Bearer " + token("retention-worker", "service", "*", "retention:dispose")}

    def travel(self, by: timedelta) -> datetime:
        return self.clock.travel(by)

    async def make_patron(self, agency: str, *, group: str = "adult", age_band: int = 18) -> int:
        patron_id = new_id()
        await self.runtime.database.execute(
            """INSERT INTO borrower (patron_id, agency, version, erased, patron_group, age_band, blocks, balance,
            balance_version) VALUES ($1, $2, 1, false, $3, $4, '{}', 0, 0)""",
            patron_id,
            agency,
            group,
            age_band,
        )
        return patron_id

    async def make_loan(self, patron_id: int, *, due_on: date | None = None, title: str = "Kongens Fald") -> int:
        database = self.runtime.database
        borrower = await find_borrower(database, patron_id)
        agency, loan_id, item_id, work_id = borrower.agency, new_id(), new_id(), f"870970-basis:{new_id()}"
        await database.execute(
            "INSERT INTO work (agency, work_id, title, creator, type, language, age_limit) VALUES ($1,$2,$3,'','book','',0)",
            agency,
            work_id,
            title,
        )
        await database.execute(
            """INSERT INTO item (item_id, agency, barcode, work_id, branch, price, state)
            VALUES ($1, $2, $3, $4, $2, 25000, 'on-loan')""",
            item_id,
            agency,
            str(item_id),
            work_id,
        )
        now = self.clock.now()
        await database.execute(
            """INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, reminders,
            clock_version) VALUES ($1, $2, $3, $4, $5, $2, $6, $7, 0, 0, 0)""",
            loan_id,
            agency,
            patron_id,
            item_id,
            work_id,
            now,
            due_on or local_date(now) + 30 * DAY,
        )
        return loan_id

    async def check_in(self, loan_id: int, at: datetime | None = None) -> "Returned":
        """Return the loan's item at the desk."""
        item = await self.runtime.database.fetchrow(
            "SELECT item.* FROM loan JOIN item USING (item_id) WHERE loan_id = $1", loan_id
        )
        order = {"item": item["barcode"], "branch": item["branch"], "returned_at": at.isoformat() if at else None}
        answer = await self.client.post("/returns", json=order, headers=self.staff(item["agency"]))
        assert answer.status_code == 200, answer.text
        debts = [SimpleNamespace(**debt) for debt in answer.json()["debts"]]
        return Returned(debts, await self.anchor(loan_id) is None)

    async def undo_return(self, loan_id: int, agency: str) -> httpx.Response:
        return await self.client.post(f"/loans/{loan_id}/undo-return", headers=self.staff(agency))

    async def raise_debt(
        self, patron_id: int, amount: int, loan_id: int | None = None, *, key: str | None = None, **more: object
    ) -> httpx.Response:
        agency = (await find_borrower(self.runtime.database, patron_id)).agency
        order = {"patron_id": patron_id, "loan_id": loan_id, "kind": "fee", "amount": amount, "cause": "other"} | more
        return await self.client.post("/debts", json=order, headers=self.staff(agency) | keyed(key))

    async def pay(self, patron_id: int, amount: int, *, order_id: str | None = None, **more: object) -> httpx.Response:
        agency = (await find_borrower(self.runtime.database, patron_id)).agency
        order = {"order_id": order_id or f"order-{new_id()}", "patron_id": patron_id, "amount": amount} | more
        return await self.client.post("/payments", json=order, headers=self.staff(agency))

    async def reverse(self, order_id: str, agency: str) -> httpx.Response:
        return await self.client.post(f"/payments/{order_id}/reversal", headers=self.staff(agency))

    async def waive(
        self, debt_id: int, agency: str, amount: int | None = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = self.staff(agency) | keyed(key)
        return await self.client.post(f"/debts/{debt_id}/waiver", json={"amount": amount}, headers=headers)

    async def account(self, patron_id: int) -> dict[str, object]:
        agency = (await find_borrower(self.runtime.database, patron_id)).agency
        answer = await self.client.get(f"/patrons/{patron_id}/debts", headers=self.staff(agency))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def dispose(self, agency: str, record_class: str, *record_ids: int) -> dict[str, object]:
        order = {
            "disposal_id": new_id(),
            "agency": agency,
            "record_class": record_class,
            "record_ids": list(record_ids),
        }
        answer = await self.client.post("/disposals", json=order, headers=self.worker())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def overdue(self, agency: str, record_class: str) -> list[int]:
        query = {"agency": agency, "record_class": record_class}
        answer = await self.client.get("/disposals/overdue", params=query, headers=self.worker())
        assert answer.status_code == 200, answer.text
        return [record["record_id"] for record in answer.json()]

    async def anchor(self, loan_id: int) -> datetime | None:
        return await self.runtime.database.fetchval("SELECT anchor FROM loan WHERE loan_id = $1", loan_id)

    async def row(self, debt_id: int) -> dict[str, object] | None:
        record = await self.runtime.database.fetchrow("SELECT * FROM debt WHERE debt_id = $1", debt_id)
        return None if record is None else dict(record)

    async def count(self, table: str, debt_id: int) -> int:
        return await self.runtime.database.fetchval(f"SELECT count(*) FROM {table} WHERE debt_id = $1", debt_id)

    async def events(self) -> list[dict[str, object]]:
        rows = await self.runtime.database.fetch("SELECT payload FROM outbox WHERE topic <> 'x' ORDER BY seq")
        return [orjson.loads(row["payload"]) for row in rows]


def keyed(key: str | None) -> dict[str, str]:
    """The header of a request that may be tried again."""
    return {} if key is None else {"idempotency-key": key}


@pytest.fixture(scope="session")
def agency_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agencies' files; in Randers a debt holds all loans of its patron."""
    folder = tmp_path_factory.mktemp("agencies")
    for file in AGENCIES.glob("*.toml"):
        text = file.read_text()
        if f'"{RANDERS}"' in text:
            assert 'fee_scope = "loan"' in text
            text = text.replace('fee_scope = "loan"', 'fee_scope = "patron"')
        (folder / file.name).write_text(text)
    return folder


@pytest.fixture(scope="session")
async def address(postgres: PostgresServer) -> str:
    """One database for all tests here: each begins with empty tables."""
    name = f"test_{secrets.token_hex(8)}"
    await postgres.create_database(name)
    await upgrade(postgres.url(name), MIGRATIONS, metadata)
    return postgres.url(name)


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
    runtime = await Runtime.open(
        "loan-api",
        settings,
        transport=LocalTransport(),
        clock=clock,
        agencies=read_agencies(agency_files),
        asgi={"patron-api": httpx.ASGITransport(patron_api())},
    )
    await runtime.database.execute("TRUNCATE " + ", ".join(metadata.tables))
    app = create_app(runtime)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loans.test")
    yield Library(runtime, app, clock, client)
    await client.aclose()
    await runtime.close()
