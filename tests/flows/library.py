"""A library in the stories: what its staff, its automats and its patrons do, over HTTP."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from glem.clients import trusted

from .suites import AnySuite

PATIENCE_SECONDS = 90.0


@dataclass
class Patron:
    """A registered patron and how they log in."""

    patron_id: int
    cpr: str
    pin: str
    email: str
    phone: str


@dataclass
class Library:
    """One agency of a suite."""

    suite: AnySuite
    agency: str
    branch: str
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=60, verify=trusted()))
    tokens: dict[str, str] = field(default_factory=dict)
    people: int = 0

    async def open(self) -> "Library":
        await self.log_in("admin", "admin", self.suite.administrator)
        suffix = secrets.token_hex(4)
        for role in ("librarian", "dpo"):
            account = {"username": f"{role}-{suffix}", "secret": "a-long-enough-secret", "role": role}
            await self.ask("POST", "patron-api", "/accounts", "admin", account)
            await self.log_in(role, f"{role}-{suffix}", "a-long-enough-secret")
        return self

    async def log_in(self, who: str, username: str, password: str) -> None:
        form = {"grant_type": "password", "username": username, "password": password, "agency": self.agency}
        answer = await self.http.post(self.suite.url("patron-api") + "/oauth/token", data=form)
        answer.raise_for_status()
        self.tokens[who] = answer.json()["access_token"]

    async def ask(
        self, method: str, service: str, path: str, who: str, body: object = None, *, expect: int | None = None
    ) -> Any:
        """Ask a service; a service that is being restarted is asked again, as every client of ours would."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self.http.request(
                    method,
                    self.suite.url(service) + path,
                    json=body,
                    headers={"authorization": f"Bearer {self.tokens[who]}"},
                )
                if answer.status_code < 500:
                    break
            except httpx.TransportError:
                answer = None
            if asyncio.get_running_loop().time() > deadline:
                message = f"{method} {path}: {answer.text if answer is not None else 'no answer'}"
                raise AssertionError(message)
            await asyncio.sleep(0.1)
        if expect is not None:
            assert answer.status_code == expect, answer.text
        else:
            assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def import_works(self, count: int = 5) -> list[str]:
        """Bring in works with one item each; return the barcodes."""
        marks = [secrets.token_hex(4) for _ in range(count)]
        works = [{"record_id": f"870970-basis:{mark}", "title": f"Titel {mark}", "type": "book"} for mark in marks]
        items = [{"barcode": f"b{mark}", "record_id": f"870970-basis:{mark}", "branch": self.branch} for mark in marks]
        for path, lines in (("/works", works), ("/items", items)):
            answer = await self.http.put(
                self.suite.url("loan-api") + path,
                content="\n".join(json.dumps(line) for line in lines),
                headers={"authorization": f"Bearer {self.tokens['admin']}", "content-type": "application/x-ndjson"},
            )
            assert answer.json()["imported"] == count, answer.text
        return [f"b{mark}" for mark in marks]

    async def register(self) -> Patron:
        """Register an adult with an e-mail address and a phone that may receive messages."""
        day, month, year, serial = (secrets.randbelow(count) for count in (28, 12, 40, 3000))
        cpr = f"{61 + day}{1 + month:02}{50 + year}{1000 + serial:04}"
        pin, email = "4711", f"p{secrets.token_hex(5)}@example.dk"
        phone = f"+4528{secrets.randbelow(10**6):06}"
        body = {
            "cpr": cpr,
            "name": f"Prøve {secrets.token_hex(3)}",
            "municipality": "0259",
            "pin": pin,
            "address": {"street": "Vej 1", "postal_code": "4600", "city": "Køge"},
            "patron_group": "adult",
            "home_branch": self.branch,
            "phones": [{"number": phone, "receives": True}],
            "emails": [{"address": email, "receives": True}],
            "permissions": {"sms": True, "email": True},
        }
        answer = await self.ask("POST", "patron-api", "/patrons", "librarian", body)
        patron = Patron(answer["patron_id"], cpr, pin, email, phone)
        await self.log_in(str(patron.patron_id), cpr, pin)
        return patron

    async def check_out(self, patron: Patron, item: str, **more: object) -> dict[str, Any]:
        body = {"patron_id": patron.patron_id, "item": item, "branch": self.branch, **more}
        return await self.ask("POST", "loan-api", "/loans", "librarian", body)

    async def check_in(self, item: str, **more: object) -> dict[str, Any]:
        return await self.ask(
            "POST", "loan-api", "/returns", "librarian", {"item": item, "branch": self.branch, **more}
        )

    async def loans(self, patron: Patron) -> list[dict[str, Any]]:
        return await self.ask("GET", "loan-api", f"/patrons/{patron.patron_id}/loans", str(patron.patron_id))

    async def debts(self, patron: Patron) -> dict[str, Any]:
        return await self.ask("GET", "loan-api", f"/patrons/{patron.patron_id}/debts", str(patron.patron_id))

    async def messages(self, patron: Patron) -> list[dict[str, Any]]:
        return await self.ask("GET", "notifier", f"/patrons/{patron.patron_id}/messages", str(patron.patron_id))

    async def status(self) -> dict[str, Any]:
        return await self.ask("GET", "retention-worker", "/status", "dpo")

    async def registered(self, record_class: str) -> dict[int, dict[str, Any]]:
        """Return the register's lines about `record_class` at this library, by record id."""
        found: dict[int, dict[str, Any]] = {}
        after = 0
        while True:
            page = await self.ask("GET", "retention-worker", f"/register?after={after}&limit=1000", "dpo")
            found |= {line["record_id"]: line for line in page["entries"] if line["record_class"] == record_class}
            if not page["entries"]:
                return found
            after = page["next"]

    async def rows(self, service: str, statement: str, *values: object) -> list[asyncpg.Record]:
        """Look into a service's database, past all its read paths."""
        connection = await asyncpg.connect(self.suite.databases[service])
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    async def eventually(self, condition: Callable[[], Awaitable[object]], what: str) -> Any:
        """Wait until `condition` gives something true, and return it."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            found = await condition()
            if found:
                return found
            if asyncio.get_running_loop().time() > deadline:
                message = f"did not happen within {PATIENCE_SECONDS:.0f} s: {what}"
                raise AssertionError(message)
            await asyncio.sleep(0.1)

    async def gone(self, record_class: str, record_id: int) -> dict[str, Any]:
        """Wait until the register has a line about the record, and return it."""

        async def line() -> object:
            return (await self.registered(record_class)).get(record_id)

        return await self.eventually(line, f"{record_class} {record_id} is registered")
