"""A patron's life with everything planted in it: what is told at the desk, what goes wrong there, and what is forgotten."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.flows.library import Library

from .markers import Markers, make_cpr

DAY = timedelta(days=1)
SENTENCE = 14


@dataclass
class Story:
    """One patron at one library, from registration to oblivion."""

    library: Library
    markers: Markers = field(default_factory=Markers)
    bystander: Markers = field(default_factory=Markers)
    patron_id: int = 0
    bystander_id: int = 0
    items: list[str] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    loans: list[int] = field(default_factory=list)

    async def register(self, markers: Markers) -> int:
        """Register a patron, with a library card and both notes."""
        body = {
            "cpr": f"{markers.cpr[:6]}-{markers.cpr[6:]}",
            "name": markers.name,
            "municipality": "0259",
            "pin": "4711",
            "address": {"street": markers.street, "postal_code": "4600", "city": "Køge"},
            "patron_group": "adult",
            "home_branch": self.library.branch,
            "phones": [{"number": markers.phone, "receives": True}],
            "emails": [{"address": markers.email, "receives": True}],
            "permissions": {"sms": True, "email": True},
            "cards": [{"kind": "health"}, {"kind": "library", "number": markers.card}],
        }
        patron_id: int = (await self.ask("POST", "patron-api", "/patrons", body))["patron_id"]
        await self.library.log_in(str(patron_id), markers.cpr, "4711")
        notes = {"internal": markers.internal_note, "patron": markers.patron_note}
        await self.ask("PUT", "patron-api", f"/patrons/{patron_id}/notes", notes)
        return patron_id

    async def ask(self, method: str, service: str, path: str, body: object = None) -> Any:
        return await self.library.ask(method, service, path, "librarian", body)

    async def plant(self) -> None:
        """Register both, bring the works in, lend with a receipt, and lend one that will be lost."""
        self.patron_id = await self.register(self.markers)
        self.bystander_id = await self.register(self.bystander)
        for title in (self.markers.title, f"{self.markers.title} 2", f"{self.markers.title} 3", self.bystander.title):
            [item] = await self.library.import_works(1)
            self.items.append(item)
            self.works.append(f"870970-basis:{item[1:]}")
            await self._retitle(self.works[-1], title)
        for item in self.items[:2]:
            self.loans.append((await self._check_out(self.patron_id, item))["loan_id"])
        await self._check_out(self.bystander_id, self.items[3])
        reservation = {"patron_id": self.patron_id, "work_id": self.works[2]}
        await self.ask("POST", "loan-api", "/reservations", reservation)
        await self.ask("POST", "loan-api", "/returns", {"item": self.items[2], "branch": self.library.branch})
        await self.told({"receipt", "reservation-ready"})
        await self._see_everything()

    async def _see_everything(self) -> None:
        """Download an export, which holds all of it at once."""
        me, path = str(self.patron_id), f"/patrons/{self.patron_id}"
        asked = await self.library.ask("POST", "patron-api", f"{path}/export", me, {})
        shown = await self.library.ask("GET", "patron-api", f"{path}/exports/{asked['export_id']}", me)
        for value in (self.markers.name, self.markers.title, self.markers.patron_note, *self.markers.texts):
            assert value in json.dumps(shown, ensure_ascii=False), value

    async def _check_out(self, patron_id: int, item: str) -> Any:
        body = {"patron_id": patron_id, "item": item, "branch": self.library.branch, "receipt": True}
        return await self.ask("POST", "loan-api", "/loans", body)

    async def _retitle(self, work: str, title: str) -> None:
        answer = await self.library.http.put(
            self.library.suite.url("loan-api") + "/works",
            content=json.dumps({"record_id": work, "title": title, "type": "book"}),
            headers={
                "authorization": f"Bearer {self.library.tokens['admin']}",
                "content-type": "application/x-ndjson",
            },
        )
        assert answer.json()["updated"] == 1, answer.text

    async def told(self, kinds: set[str]) -> None:
        """Wait until texts of all `kinds` are kept and nothing waits, and note the sentences with something planted."""

        async def ended() -> object:
            lines = await self._overview()
            is_over = all(line["state"] in {"sent", "failed", "suppressed"} for line in lines)
            texts = [line for line in lines if line["body"]]
            return texts if is_over and kinds <= {line["kind"] for line in texts} else None

        texts: list[dict[str, Any]] = await self.library.eventually(ended, f"texts are kept of {kinds}")
        known = {self.markers.title, self.markers.patron_note, self.markers.name}
        for text in texts:
            for sentence in text["body"].splitlines():
                planted = any(value in sentence and value != sentence.strip() for value in known)
                if planted and len(sentence) >= SENTENCE and sentence not in self.markers.texts:
                    self.markers.texts.append(sentence)

    async def _overview(self) -> list[dict[str, Any]]:
        return await self.ask("GET", "notifier", f"/patrons/{self.patron_id}/messages")

    async def go_wrong(self) -> None:
        """Everything that might make a program say too much: refusals, faults and slips with planted values in them."""
        library, markers = self.library, self.markers
        dashed = f"{markers.cpr[:6]}-{markers.cpr[6:]}"
        body = {"patron_id": self.patron_id, "branch": library.branch}
        slips: list[tuple[str, str, str, object]] = [
            ("GET", "patron-api", f"/patrons/{markers.cpr}", None),
            ("GET", "patron-api", f"/patrons/{dashed}?card={markers.card}&name={markers.name}", None),
            ("GET", "loan-api", f"/items/{markers.cpr}", None),
            ("GET", "loan-api", f"/works?query={dashed}&limit={markers.email}", None),
            ("GET", "notifier", f"/patrons/{dashed}/messages", None),
            ("GET", "retention-worker", f"/register?after={markers.cpr}", None),
            ("POST", "patron-api", "/patrons", {"cpr": markers.cpr, "name": markers.name, markers.email: markers.name}),
            ("POST", "patron-api", "/patrons/search", {"card": markers.cpr, "limit": markers.name}),
            ("POST", "patron-api", "/patrons/identify", {"card": markers.card, "pin": markers.name}),
            ("POST", "patron-api", f"/patrons/{self.bystander_id}/cards", {"kind": "library", "number": markers.card}),
            ("POST", "patron-api", f"/patrons/{self.patron_id}/cards", {"kind": "library", "number": markers.cpr}),
            ("PUT", "patron-api", f"/patrons/{self.patron_id}/notes", {"internal": markers.name + "\0"}),
            ("PUT", "patron-api", f"/patrons/{self.patron_id}/contacts", {"emails": [{"address": markers.name}]}),
            ("POST", "loan-api", "/loans", {**body, "item": markers.cpr}),
            ("POST", "loan-api", "/loans", {**body, "item": f"{markers.name}\0"}),
            ("POST", "loan-api", "/returns", {"item": dashed, "branch": markers.name}),
            ("POST", "loan-api", "/payments", {"order_id": {"of": markers.cpr}, "patron_id": markers.name}),
        ]
        for method, service, path, content in slips:
            answer = await library.http.request(
                method,
                library.suite.url(service) + path,
                json=content,
                headers={"authorization": f"Bearer {library.tokens['librarian']}"},
            )
            assert answer.status_code < 500, f"{path}: {answer.text}"
        for username, password in ((markers.cpr, "0000"), (dashed, markers.name), (markers.card, markers.cpr)):
            form = {"grant_type": "password", "username": username, "password": password, "agency": library.agency}
            answer = await library.http.post(library.suite.url("patron-api") + "/oauth/token", data=form)
            assert answer.status_code in {400, 401, 429}, answer.text
        again = {"cpr": markers.cpr, "name": make_cpr(), "pin": "4711"}
        await library.http.post(library.suite.url("patron-api") + "/patrons", json=again)

    async def end(self) -> None:
        """Lose one, return one late, pay for both, and change the contact data."""
        library = self.library
        await library.suite.travel(45 * DAY)
        await self.ask(
            "POST", "loan-api", "/returns", {"item": self.items[0], "branch": library.branch, "receipt": True}
        )
        await self.ask("POST", "loan-api", f"/loans/{self.loans[1]}/lost", {"cause": "lost", "price": 29900})
        await self.told({"receipt", "debt-statement"})
        debts = await self.ask("GET", "loan-api", f"/patrons/{self.patron_id}/debts")
        pay = {"order_id": f"order-{self.patron_id}", "patron_id": self.patron_id, "amount": debts["balance"]}
        await self.ask("POST", "loan-api", "/payments", pay)
        change = {
            "emails": [{"address": self.markers.new_email, "receives": True}],
            "phones": [{"number": self.markers.new_phone, "receives": True}],
        }
        await self.ask("PUT", "patron-api", f"/patrons/{self.patron_id}/contacts", change)

    async def forget(self) -> None:
        """Let everything fall due that has a period, and wait until it is gone."""
        await self.library.suite.travel(91 * DAY)
        for loan_id in self.loans:
            await self.library.gone("loan", loan_id)

        async def at_rest() -> bool:
            status = await self.library.rows("notifier", "SELECT 1 FROM message_body LIMIT 1")
            keys = await self.library.rows("notifier", "SELECT 1 FROM spent_key LIMIT 1")
            notes = await self.library.rows(
                "patron-api", "SELECT 1 FROM note WHERE patron_id = $1 LIMIT 1", self.patron_id
            )
            debts = await self.library.rows("loan-api", "SELECT 1 FROM debt WHERE patron_id = $1", self.patron_id)
            return not (status or keys or notes or debts)

        await self.library.eventually(at_rest, "bodies, keys, notes and debts are gone")

    async def be_erased(self) -> None:
        """Erase the patron on their wish, and wait until every service is done with it."""
        library = self.library
        wish = await self.ask("POST", "patron-api", f"/patrons/{self.patron_id}/erasure", {})

        async def done() -> bool:
            shown = await self.ask("GET", "patron-api", f"/erasures/{wish['request_id']}")
            messages = await library.rows("notifier", "SELECT 1 FROM message WHERE patron_id = $1", self.patron_id)
            return shown["state"] == "done" and not messages

        await library.eventually(done, "the patron is erased")
