"""A library at work while things break: what it was told is done must be done."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field

import httpx

from tests.flows.library import Library, Patron


@dataclass
class Load:
    """Patrons who borrow and return, each answer noted."""

    library: Library
    desks: int = 4
    opened: set[int] = field(default_factory=set)
    returned: set[int] = field(default_factory=set)
    stopping: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self) -> None:
        for _ in range(self.desks):
            patron = await self.library.register()
            items = await self.library.import_works(3)
            self.tasks.append(asyncio.create_task(self._work(patron, items)))

    async def end(self) -> None:
        self.stopping = True
        await asyncio.wait_for(asyncio.gather(*self.tasks), 120)

    async def _work(self, patron: Patron, items: list[str]) -> None:
        while not self.stopping:
            for item in items:
                loan = await self._until_answered("/loans", {"patron_id": patron.patron_id, "item": item})
                self.opened.add(loan["loan_id"])
            for item in items:
                done = await self._until_answered("/returns", {"item": item, "branch": self.library.branch})
                self.returned.add(done["loan"]["loan_id"])

    async def _until_answered(self, path: str, body: dict[str, object]) -> dict[str, object]:
        """Ask until there is an answer, as a machine at the desk would: with one key for all tries."""
        headers = {
            "authorization": f"Bearer {self.library.tokens['librarian']}",
            "idempotency-key": secrets.token_hex(8),
        }
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.library.http.post(
                    self.library.suite.url("loan-api") + path, json=body, headers=headers
                )
                if answer.status_code < 300:
                    return answer.json()
                assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)

    async def check(self) -> None:
        """Wait until all is still, and compare."""
        library = self.library
        rows = await library.rows(
            "loan-api", "SELECT loan_id, returned_at FROM loan WHERE loan_id = ANY($1)", list(self.opened)
        )
        ended = {row["loan_id"]: row["returned_at"] is not None for row in rows}
        assert ended.keys() == self.opened, "an acknowledged check-out is lost"
        assert {loan_id for loan_id, is_ended in ended.items() if is_ended} >= self.returned, "a return is lost"
        assert not self.opened & set(await library.registered("loan")), "erased early"

        async def still() -> bool:
            for service in ("patron-api", "loan-api", "notifier", "retention-worker"):
                if await library.rows(service, "SELECT FROM outbox WHERE published_at IS NULL LIMIT 1"):
                    return False
            return True

        await library.eventually(still, "every event is sent")

        async def clocks_known() -> bool:
            known = await library.rows(
                "retention-worker",
                "SELECT count(*) FROM clock WHERE anchor IS NOT NULL AND record_id = ANY($1)",
                list(self.returned),
            )
            return known[0]["count"] == len(self.returned)

        await library.eventually(clocks_known, "the worker has the clock of every return")
        twice = await library.rows(
            "retention-worker", "SELECT record_id FROM register GROUP BY record_class, record_id HAVING count(*) > 1"
        )
        assert not twice
        assert (await library.status())["overdue"] == 0

    async def check_erasure(self) -> None:
        """Let the returned loans fall due, and see each go once."""
        from datetime import timedelta

        await self.library.suite.travel(timedelta(days=31))

        async def gone() -> bool:
            await self._let_floods_go()
            return self.returned <= set(await self.library.registered("loan"))

        await self.library.eventually(gone, "every returned loan is erased")
        left = await self.library.rows(
            "loan-api", "SELECT loan_id FROM loan WHERE loan_id = ANY($1)", list(self.returned)
        )
        assert not left

    async def _let_floods_go(self) -> None:
        """Look at the breakers that minutes of nothing but returns have opened, and let the records go."""
        for breaker in await self.library.ask("GET", "retention-worker", "/breakers", "dpo"):
            if breaker["state"] == "open":
                path = f"/breakers/{breaker['agency']}/{breaker['record_class']}/acknowledgement"
                await self.library.ask("POST", "retention-worker", path, "dpo", {"records": breaker["records"]})
