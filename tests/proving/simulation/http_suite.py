"""A running suite with an HTTP client in process, and the patrons of short histories."""

import json
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from embedded.services import SERVICES
from embedded.suite import Suite, secrets_of
from glem_local.broker import free_port
from glem_local.mail import MailCatcher
from tests.proving.oracle import Finding, judge, read_promises
from tests.proving.oracle.life import Life
from tests.proving.oracle.looking import Looker
from tests.proving.oracle.observation import Line

KOEGE, AALBORG = "DK-725900", "DK-785100"
START = datetime(2040, 3, 5, 10, tzinfo=UTC)
AGENCIES = Path(__file__).parents[3] / "deploy" / "agencies"
REGISTER = "SELECT agency, record_class, record_id, outcome, done_at FROM register ORDER BY entry"


def agency_files(folder: Path) -> Path:
    """The libraries' own files; in Aalborg a debt holds all loans of its patron (H24)."""
    folder.mkdir()
    for file in AGENCIES.glob("*.toml"):
        text = file.read_text()
        if f'"{AALBORG}"' in text:
            text = text.replace('fee_scope = "loan"', 'fee_scope = "patron"')
        (folder / file.name).write_text(text)
    return folder


@dataclass
class Answer:
    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def refusal(self) -> str:
        return str(self.body["type"]).rpartition(":")[2]


@dataclass
class HttpSuite:
    """The suite, its clock, what was done (the history), and what should have become of it (the life)."""

    home: Path
    files: Path
    suite: Suite = None  # type: ignore[assignment]
    http: httpx.AsyncClient = None  # type: ignore[assignment]
    history: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    running: AsyncExitStack = field(default_factory=AsyncExitStack)
    mail: MailCatcher = field(default_factory=lambda: MailCatcher(free_port()))
    people: int = 0

    @classmethod
    async def open(cls, folder: Path) -> "HttpSuite":
        suite = cls(folder / "home", agency_files(folder / "agencies"))
        suite.mail.start()
        suite.options = {
            "smtp_host": "127.0.0.1",
            "smtp_port": suite.mail.port,
            "sms_url": "http://127.0.0.1:9/sms",
            "sweep_seconds": 3600.0,
            "audit_seconds": 3600.0,
        }
        suite.suite = await Suite.open(suite.home, suite.files, suite.options)
        suite.suite.clock.freeze(START)
        suite.promises = read_promises(suite.files)
        suite.life = Life(suite.promises)
        urls = {service.name: suite.suite.postgres.url(service.database) for service in SERVICES}
        suite.looker = await suite.stack.enter_async_context(Looker.open(urls))
        suite.register = await asyncpg.connect(urls["retention-worker"])
        suite.stack.push_async_callback(suite.register.close)
        await suite.run()
        for agency in (KOEGE, AALBORG):
            suite.tokens["admin", agency] = await suite.log_in("admin", secrets_of(suite.home)["administrator"], agency)
        return suite

    async def run(self) -> None:
        self.running = AsyncExitStack()
        await self.running.enter_async_context(self.suite.running())
        transport = httpx.ASGITransport(self.suite.root())
        self.http = httpx.AsyncClient(transport=transport, base_url="http://glem", timeout=60)
        self.running.push_async_callback(self.http.aclose)

    async def kill_and_reopen(self) -> None:
        """End all background work wherever it is, and build the applications anew on the same databases."""
        await self.running.aclose()
        for runtime in self.suite.runtimes.values():
            await runtime.close()
        self.suite.runtimes.clear()
        self.suite.apps.clear()
        await self.suite._build(self.files, self.options)
        await self.run()

    async def close(self) -> None:
        await self.running.aclose()
        await self.stack.aclose()
        await self.suite.close()
        self.mail.stop()

    @property
    def now(self) -> datetime:
        return self.suite.clock.now()

    async def log_in(self, username: str, password: str, agency: str) -> str:
        form = {"grant_type": "password", "username": username, "password": password, "agency": agency}
        answer = await self.http.post("/patron-api/oauth/token", data=form)
        answer.raise_for_status()
        return answer.json()["access_token"]

    async def ask(self, agency: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
        headers["authorization"] = f"Bearer {self.tokens['admin', agency]}"
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        return Answer(answer.status_code, answer.json() if answer.content else None)

    async def must(self, agency: str, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(agency, method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.body}"
        return answer.body

    def note(self, act: str, agency: str, **fields: object) -> None:
        fact = {"act": act, "at": self.now.isoformat(), "agency": agency, **fields}
        self.history.append(fact)
        self.life.read([fact])

    async def import_works(self, agency: str, count: int) -> list[tuple[str, str]]:
        """Bring in works with one item each; return (barcode, work)."""
        marks = [secrets.token_hex(5) for _ in range(count)]
        works = [{"record_id": f"w:{mark}", "title": f"Titel {mark}", "type": "book"} for mark in marks]
        items = [{"barcode": f"b{mark}", "record_id": f"w:{mark}", "branch": self.branch(agency)} for mark in marks]
        for path, lines in (("/loan-api/works", works), ("/loan-api/items", items)):
            answer = await self.http.put(
                path,
                content="\n".join(map(json.dumps, lines)),
                headers={
                    "authorization": f"Bearer {self.tokens['admin', agency]}",
                    "content-type": "application/x-ndjson",
                },
            )
            assert answer.json()["imported"] == count, answer.text
        return [(f"b{mark}", f"w:{mark}") for mark in marks]

    async def patron(self, agency: str) -> int:
        """Register an adult."""
        self.people += 1
        number = self.people
        email, phone = f"p{number}@example.dk", f"+4528{number:06}"
        body = {
            "cpr": f"{61 + number % 28}{1 + number // 28 % 12:02}{50 + number // 336 % 40}{1000 + number:04}",
            "name": f"Prøve {number}",
            "municipality": self.suite.agencies[agency].identity.municipality,
            "pin": "4711",
            "address": {"street": "Vej 1", "postal_code": "4600", "city": "By"},
            "patron_group": "adult",
            "home_branch": self.branch(agency),
            "phones": [{"number": phone, "receives": True}],
            "emails": [{"address": email, "receives": True}],
            "permissions": {"sms": True, "email": True},
        }
        patron_id = (await self.must(agency, "POST", "/patron-api/patrons", body))["patron_id"]
        self.note(
            "register",
            agency,
            patron_id=patron_id,
            group="adult",
            home_branch=self.branch(agency),
            language="da",
            contacts=[email, phone],
        )
        return patron_id

    async def judge(self) -> list[Finding]:
        """Ask the oracle about everything so far."""
        lines = [Line(*row) for row in await self.register.fetch(REGISTER)]
        seen = await self.looker.look(self.now, lines, self.life.old_values)
        return judge(self.history, self.promises, seen).findings

    def dues(self) -> list[datetime]:
        """When the loans and debts that are known are due."""
        classes = (("loan", self.life.loans), ("debt", self.life.debts))
        found = []
        for record_class, records in classes:
            for record in records.values():
                period = self.life.period(record.agency, record_class)
                if record.fate.anchor is not None and period is not None:
                    found.append(record.fate.anchor + period)
        return found

    def branch(self, agency: str) -> str:
        """A branch of the agency: its first."""
        return next(iter(self.suite.agencies[agency].identity.branches))

    def is_due(self, kind: str, record_id: int) -> bool:
        """What the oracle says of a loan or a debt now; a debt that keeps its amount is not due with its material."""
        if kind == "loan":
            loan = self.life.loans[record_id]
            return loan.fate.is_due(self.now, self.life.period(loan.agency, "loan"))
        debt = self.life.debts[record_id]
        if self.promises[debt.agency].keeps_amounts:
            return debt.amount_fate.is_due(self.now, self.life.period(debt.agency, "debt-amount"))
        return debt.fate.is_due(self.now, self.life.period(debt.agency, "debt"))


def debt_entry(debt: Mapping[str, Any], loans: list[int]) -> dict[str, Any]:
    """A debt as the oracle's history needs it."""
    fields = ("debt_id", "kind", "cause", "amount")
    return {**{name: debt[name] for name in fields}, "due_on": debt.get("due_on"), "loans": loans}
