"""The suite in one process, spoken to over HTTP as every role, with a worker that can be put to sleep and a clock that travels."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from embedded.services import SERVICES
from embedded.suite import Suite, secrets_of
from glem_contracts.record_classes import DAY, RECORD_CLASSES
from glem_local.broker import free_port
from glem_local.mail import MailCatcher

if TYPE_CHECKING:
    import asyncpg

    from glem.background import BackgroundTask
    from glem_retention.runtime import Runtime

AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
KOEGE, STRUER, AALBORG = "DK-725900", "DK-767100", "DK-785100"
START = datetime(2040, 3, 5, 10, tzinfo=UTC)
SHORT = "P2D"
SECRET = "a-long-enough-secret-1"
PATIENCE_SECONDS = 60.0
# A homebound list counts from the beginning of the month: with a short period a new entry would be due at once. A text goes with
# the loan that it speaks of, so a loan is kept for longer than a text.
LONGER = {"homebound-work": "P40D", "loan": "P10D"}
LOAN_PERIOD = 10 * DAY
OWN_POLICY = """
[retention.{name}]
period = "{period}"
action = "{action}"
version = 1
effective = 2018-05-25T00:00:00+02:00
wording = "Efter to dage."
rows = ["R1"]
"""


def agency_files(folder: Path) -> Path:
    """Copies of the libraries' files in which every class with a clock has a policy, and no period is longer than two days."""
    folder.mkdir()
    for file in AGENCIES.glob("*.toml"):
        head, *sections = re.split(r"(?m)^(?=\[)", file.read_text("utf-8"))
        names = set()
        for place, section in enumerate(sections):
            if named := re.match(r"\[retention\.([\w-]+)\]", section):
                names.add(named[1])
                if RECORD_CLASSES[named[1]].shortest:
                    sections[place] = re.sub(
                        r'(?m)^period = "[^"]*"', f'period = "{LONGER.get(named[1], SHORT)}"', section
                    )
        text = head + "".join(sections)
        redacts = 'action = "redact"' in next(part for part in sections if part.startswith("[retention.debt]"))
        for name, item in RECORD_CLASSES.items():
            if item.actions and name not in names and is_wanted(name, file.stem, redacts=redacts):
                period = SHORT if item.shortest else "P0D"
                text += OWN_POLICY.format(name=name, period=period, action=min(item.actions))
        (folder / file.name).write_text(text, "utf-8")
    return folder


def is_wanted(record_class: str, library: str, *, redacts: bool) -> bool:
    """Whether a library without a policy for an optional class gets one: not where it would take a record of another class along."""
    return {"debt-amount": redacts, "message-envelope": library == "struer"}.get(record_class, True)


@dataclass
class House:
    """A running suite. `asleep`: the worker hears of everything and disposes of nothing."""

    suite: Suite
    http: httpx.AsyncClient
    mail: MailCatcher
    stack: AsyncExitStack
    asleep: bool = True
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    people: int = 0

    @classmethod
    async def open(cls, folder: Path) -> House:
        stack, mail = AsyncExitStack(), MailCatcher(free_port())
        mail.start()
        stack.callback(mail.stop)
        options = {
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_tls": "none",
            "sms_url": "http://127.0.0.1:9/sms",
            "send_every": 0.05,
            "sweep_seconds": 3600.0,
            "audit_seconds": 3600.0,
        }
        suite = await Suite.open(folder / "home", agency_files(folder / "agencies"), options, hurried=True)
        stack.push_async_callback(suite.close)
        suite.clock.freeze(START)
        await stack.enter_async_context(suite.running())
        client = httpx.AsyncClient(transport=httpx.ASGITransport(suite.root()), base_url="http://glem", timeout=60)
        stack.push_async_callback(client.aclose)
        house = cls(suite, client, mail, stack)
        for name in ("sweep", "audit"):
            house._let_sleep(house.task("retention-worker", name))
        for agency in (KOEGE, STRUER):
            await house.hire(agency)
        return house

    def _let_sleep(self, task: BackgroundTask) -> None:
        work = task._work

        async def unless_asleep() -> int:
            return 0 if self.asleep else await work()

        task._work = unless_asleep

    def task(self, service: str, name: str) -> BackgroundTask:
        return next(task for task in self.suite.runtimes[service].tasks if task.name == name)

    def runtime(self, record_class: str) -> Runtime:
        """The runtime of a record class's owner."""
        return self.suite.runtimes[RECORD_CLASSES[record_class].owner]

    async def hire(self, agency: str) -> None:
        """Have somebody of each role at a library, and log them in."""
        keys = secrets_of(self.suite.home)
        await self.log_in("administrator", "admin", keys["administrator"], agency)
        suffix = secrets.token_hex(4)
        for role in ("librarian", "dpo"):
            account = {"username": f"{role}-{suffix}", "secret": SECRET, "role": role}
            await self.must(agency, "administrator", "POST", "/patron-api/accounts", account)
            await self.log_in(role, f"{role}-{suffix}", SECRET, agency)
        for role in ("automat", "dashboard"):
            machine = {"client_id": f"{role}-{suffix}", "secret": SECRET, "role": role}
            await self.must(agency, "administrator", "POST", "/patron-api/clients", machine)
            await self._log_in_client(agency, role, f"{role}-{suffix}", SECRET)
        for service in SERVICES:
            await self._log_in_client(agency, service.name, service.name, keys["service"])

    async def _log_in_client(self, agency: str, role: str, client: str, secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        await self._token(agency, role, form)

    async def log_in(self, who: str, username: str, password: str, agency: str) -> dict[str, Any]:
        form = {"grant_type": "password", "username": username, "password": password, "agency": agency}
        return await self._token(agency, who, form)

    async def _token(self, agency: str, who: str, form: dict[str, str]) -> dict[str, Any]:
        answer = await self.http.post("/patron-api/oauth/token", data=form)
        assert answer.is_success, answer.text
        self.tokens[agency, who] = answer.json()["access_token"]
        return answer.json()

    async def ask(
        self, agency: str, who: str, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if who != "stranger":
            headers["authorization"] = f"Bearer {self.tokens[agency, who]}"
        return await self.http.request(method, path, json=body, headers=headers)

    async def must(self, agency: str, who: str, method: str, path: str, body: object = None, **headers: str) -> Any:
        answer = await self.ask(agency, who, method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def rows(self, service: str, statement: str, *values: object) -> list[asyncpg.Record]:
        return await self.suite.runtimes[service].database.fetch(statement, *values)

    async def events(self, service: str, after: int) -> list[dict[str, Any]]:
        """The events that a service recorded after number `after` of its outbox."""
        rows = await self.rows(service, "SELECT payload FROM outbox WHERE seq > $1 ORDER BY seq", after)
        return [json.loads(row["payload"]) for row in rows]

    async def place(self, service: str) -> int:
        """The number of a service's newest event."""
        [row] = await self.rows(service, "SELECT coalesce(max(seq), 0) AS seq FROM outbox")
        return int(row["seq"])

    @property
    def now(self) -> datetime:
        return self.suite.clock.now()

    async def travel_to(self, moment: datetime) -> None:
        """Move the clock to just after `moment`, and let everybody but the sleeping worker do what is to be done."""
        self.suite.clock.travel(max(timedelta(), moment - self.now) + timedelta(seconds=1))
        await self.suite.settle()

    async def erase_patron(self, agency: str, patron: int) -> None:
        """Have a patron ask to be erased, and wait until every service is done with it."""
        asked = await self.must(agency, f"patron-{patron}", "POST", f"/patron-api/patrons/{patron}/erasure", {})
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            await self.suite.settle()
            shown = await self.must(agency, "librarian", "GET", f"/patron-api/erasures/{asked['request_id']}")
            if shown["state"] == "done":
                return
            assert asyncio.get_running_loop().time() < deadline, shown
            await asyncio.sleep(0.1)

    async def sweep(self) -> None:
        """Wake the worker, let it do all that is due, and put it to sleep again."""
        self.asleep = False
        try:
            await self.suite.settle()
        finally:
            self.asleep = True

    async def close(self) -> None:
        await self.stack.aclose()
