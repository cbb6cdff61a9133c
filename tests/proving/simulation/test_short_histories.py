"""Short histories, many, over HTTP: a machine of rules, whose invariant holds after every step of the clock.

An own generator and not hypothesis' RuleBasedStateMachine: that one runs each example from a clean slate by synchronous calls,
while here a slate is four services, four databases, an append-only register and a clock that only goes forward. Each example
is a list of small numbers from one seed; on one suite it has patrons of its own. Several live side by side, for what takes long
is to let time pass. An example that fails is lived again with new patrons, with ever fewer steps, and printed.
"""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from glem_retention import policies
from tests.proving.simulation.http_suite import AALBORG, KOEGE, HttpSuite, debt_entry

SEED = int(os.environ.get("GLEM_SEED", "20270301"))
STEPS, AT_ONCE = 14, 6
SECOND = timedelta(seconds=1)
DEBT_LIMIT = 20_000
TRIALS = 25
DAYS = (0.2, 1, 2, 5, 9, 14, 29)
EDGES = (-1, 0, 1)

Leap = tuple[str, float]
"""How far to travel: so many days, or to so many seconds from the next instant at which anything is due."""
Step = tuple[str, int]
"""A rule and a number that it chooses by."""


@dataclass
class Machine:
    """One example: a patron and what they have, as far as it is needed to choose the next act."""

    suite: HttpSuite
    agency: str
    patron: int = 0
    free: list[tuple[str, str]] = field(default_factory=list)
    taken: str = ""
    open: list[tuple[int, str]] = field(default_factory=list)
    closed: list[tuple[int, str]] = field(default_factory=list)
    debts: list[int] = field(default_factory=list)
    orders: list[tuple[str, list[int]]] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    number: int = 0

    async def begin(self) -> None:
        self.patron = await self.suite.patron(self.agency)
        self.free = await self.suite.import_works(self.agency, 4)
        other = await self.suite.patron(self.agency)
        barcode, self.taken = self.free.pop()
        await self._check_out(other, barcode, self.taken)

    async def _check_out(self, patron: int, barcode: str, work: str) -> int | None:
        """Lend; None when the patron owes too much (R57), which must be so."""
        branch = self.suite.branch(self.agency)
        body = {"patron_id": patron, "item": barcode, "branch": branch}
        answer = await self.suite.ask(self.agency, "POST", "/loan-api/loans", body)
        owed = sum(debt.balance for debt in self.suite.life.debts.values() if debt.patron_id == patron)
        refusal = "" if answer.ok else answer.refusal
        assert refusal == ("debt-limit" if owed >= DEBT_LIMIT else ""), f"{owed} øre owed: {refusal or 'lent'}"
        if not answer.ok:
            return None
        made = answer.body
        fields = {"loan_id": made["loan_id"], "patron_id": patron, "item": barcode, "work_id": work, "branch": branch}
        self.suite.note("lend", self.agency, **fields, due_on=made["due_on"])
        return int(made["loan_id"])

    async def lend(self, number: int) -> None:
        if self.free:
            barcode, work = self.free[number % len(self.free)]
            loan = await self._check_out(self.patron, barcode, work)
            if loan is not None:
                self.free.remove((barcode, work))
                self.open.append((loan, barcode))

    async def give_back(self, number: int) -> None:
        if self.open:
            loan, barcode = self.open.pop(number % len(self.open))
            body = {"item": barcode, "branch": self.suite.branch(self.agency)}
            answer = await self.suite.must(self.agency, "POST", "/loan-api/returns", body)
            raised = [debt_entry(debt, [loan]) for debt in answer["debts"]]
            returned = answer["loan"]["returned_at"]
            self.suite.note("return", self.agency, loan_id=loan, returned_at=returned, debts=raised, ready=None)
            self.debts += [debt["debt_id"] for debt in answer["debts"]]
            self.closed.append((loan, barcode))

    async def renew(self, number: int) -> None:
        if self.open:
            loan, _ = self.open[number % len(self.open)]
            answer = await self.suite.ask(self.agency, "POST", f"/loan-api/loans/{loan}/renewal")
            if answer.ok:
                self.suite.note("renew", self.agency, loan_id=loan, due_on=answer.body["due_on"])

    async def undo(self, number: int) -> None:
        if self.closed:
            loan, barcode = self.closed[number % len(self.closed)]
            answer = await self.suite.ask(self.agency, "POST", f"/loan-api/loans/{loan}/undo-return")
            self._is_right(answer.refusal if not answer.ok else "", "loan", loan)
            if answer.ok:
                self.suite.note("undo-return", self.agency, loan_id=loan)
                self.closed.remove((loan, barcode))
                self.open.append((loan, barcode))

    async def lose(self, number: int) -> None:
        if self.open:
            loan, _ = self.open.pop(number % len(self.open))
            body = {"cause": "lost", "price": (0, 15000)[number % 2]}
            answer = await self.suite.must(self.agency, "POST", f"/loan-api/loans/{loan}/lost", body)
            raised = [debt_entry(answer["debt"], [loan])] if answer["debt"] else []
            self.suite.note("lose", self.agency, loan_id=loan, cause="lost", debts=raised)
            self.debts += [debt["debt_id"] for debt in raised]

    async def charge(self, number: int) -> None:
        known = [*self.open, *self.closed]
        loan = known[number % len(known)][0] if known and number % 3 else None
        body = {"patron_id": self.patron, "loan_id": loan, "kind": "fee", "amount": 1000, "cause": "other"}
        answer = await self.suite.ask(self.agency, "POST", "/loan-api/debts", body)
        if loan is not None:
            self._is_right(answer.refusal if not answer.ok else "", "loan", loan)
        if answer.ok:
            debt = debt_entry(answer.body, [loan] if loan is not None else [])
            self.suite.note("charge", self.agency, patron_id=self.patron, **debt)
            self.debts.append(answer.body["debt_id"])

    async def pay(self, number: int) -> None:
        owed = [debt for debt in self.debts if self.suite.life.debts[debt].is_open]
        if owed:
            chosen = [owed[number % len(owed)]] if number % 2 else owed
            self.number += 1
            order = f"o{self.patron}-{self.number}"
            total = sum(self.suite.life.debts[debt].balance for debt in chosen)
            amount = max(1, total // (1, 1, 2)[number % 3])
            body = {"order_id": order, "patron_id": self.patron, "amount": amount, "debt_ids": chosen}
            await self.suite.must(self.agency, "POST", "/loan-api/payments", body)
            self.suite.note("pay", self.agency, order_id=order, patron_id=self.patron, amount=amount, debts=chosen)
            self.orders.append((order, chosen))

    async def charge_back(self, number: int) -> None:
        if self.orders:
            order, _ = self.orders.pop(number % len(self.orders))
            paid = [self.suite.life.debts[debt] for debt in self.suite.life.payments[self.agency, order].shares]
            answer = await self.suite.ask(self.agency, "POST", f"/loan-api/payments/{order}/reversal")
            must_be_gone = any(self.suite.is_due("debt", debt.debt_id) for debt in paid)
            assert answer.ok != must_be_gone, f"{order}: {answer.status}, gone by right: {must_be_gone}"
            if answer.ok:
                self.suite.note("reverse", self.agency, order_id=order)

    async def waive(self, number: int) -> None:
        owed = [debt for debt in self.debts if self.suite.life.debts[debt].is_open]
        if owed:
            debt = owed[number % len(owed)]
            amount = max(1, self.suite.life.debts[debt].balance // (1 + number % 2))
            path = f"/loan-api/debts/{debt}/waiver"
            await self.suite.must(self.agency, "POST", path, {"amount": amount})
            self.suite.note("waive", self.agency, debt_id=debt, amount=amount)

    async def reserve(self, number: int) -> None:
        if not self.waiting:
            body = {"patron_id": self.patron, "work_id": self.taken, "pickup_branch": self.suite.branch(self.agency)}
            answer = await self.suite.ask(self.agency, "POST", "/loan-api/reservations", body)
            if answer.ok:
                made = answer.body
                fields = {"reservation_id": made["reservation_id"], "patron_id": self.patron, "work_id": self.taken}
                self.suite.note("reserve", self.agency, **fields, expires_on=made["expires_on"])
                self.waiting.append(made["reservation_id"])

    async def cancel(self, number: int) -> None:
        if self.waiting:
            reservation = self.waiting.pop()
            answer = await self.suite.ask(self.agency, "DELETE", f"/loan-api/reservations/{reservation}")
            if answer.ok:
                self.suite.note("cancel", self.agency, reservation_id=reservation)

    async def move(self, number: int) -> None:
        self.number += 1
        address = f"p{self.patron}-{self.number}@example.dk"
        body = {"phones": [], "emails": [{"address": address, "receives": True}]}
        await self.suite.must(self.agency, "PUT", f"/patron-api/patrons/{self.patron}/contacts", body)
        self.suite.note("contacts", self.agency, patron_id=self.patron, contacts=[address])

    def _is_right(self, refusal: str, kind: str, record_id: int) -> None:
        due = self.suite.is_due(kind, record_id)
        assert (refusal == f"{kind}-gone") == due, f"{kind} {record_id}: {refusal or 'done'}, though due: {due}"

    async def look(self) -> None:
        """What is due is seen on no read path, swept or not; what is not due is seen."""
        suite, agency = self.suite, self.agency
        loans = {loan.loan_id for loan in suite.life.loans.values() if loan.patron_id == self.patron}
        debts = {debt.debt_id for debt in suite.life.debts.values() if debt.patron_id == self.patron}
        kept = {loan for loan in loans if not suite.is_due("loan", loan)}
        owed = {debt for debt in debts if not suite.is_due("debt", debt)}
        listed = await suite.must(agency, "GET", f"/loan-api/patrons/{self.patron}/loans")
        assert {loan["loan_id"] for loan in listed} == kept, "the list of loans"
        account = await suite.must(agency, "GET", f"/loan-api/patrons/{self.patron}/debts")
        assert {debt["debt_id"] for debt in account["debts"]} == owed, "the list of debts"
        for debt in account["debts"]:
            parted = suite.life.debts[debt["debt_id"]].fate.is_due(suite.now, suite.life.period(agency, "debt"))
            assert not (parted and (debt["materials"] or debt["due_on"])), f"material of debt {debt['debt_id']}"
        for loan in loans:
            status = (await suite.ask(agency, "GET", f"/loan-api/loans/{loan}")).status
            assert status == (200 if loan in kept else 410), f"loan {loan}: {status}"
        for debt in debts:
            status = (await suite.ask(agency, "GET", f"/loan-api/debts/{debt}")).status
            assert status == (200 if debt in owed else 410), f"debt {debt}: {status}"


RULES = {
    "lend": 6,
    "give_back": 6,
    "renew": 1,
    "undo": 2,
    "lose": 1,
    "charge": 4,
    "pay": 4,
    "charge_back": 3,
    "waive": 1,
    "reserve": 1,
    "cancel": 1,
    "move": 1,
}


def story(chance: Random) -> list[Step]:
    """One example: a few acts each time the clock stands still."""
    names = chance.choices(list(RULES), list(RULES.values()), k=STEPS * 2)
    return [(name, chance.randrange(1000)) for name in names]


def travels(chance: Random) -> list[Leap]:
    """How time goes on, half of it from edge to edge."""
    return [
        ("edge", chance.choice(EDGES)) if chance.random() < 0.5 else ("days", chance.choice(DAYS)) for _ in range(STEPS)
    ]


def span(suite: HttpSuite, leap: Leap) -> timedelta:
    """How far to travel now."""
    kind, number = leap
    if kind == "days":
        return timedelta(days=number)
    coming = [due for due in suite.dues() if due > suite.now + 2 * SECOND]
    return min(coming) + number * SECOND - suite.now if coming else timedelta(days=1)


async def play(suite: HttpSuite, stories: Sequence[Sequence[Step]], calendar: Sequence[Leap], reopen: int) -> None:
    """Live the stories side by side; raises AssertionError with what is wrong."""
    machines = [Machine(suite, (KOEGE, AALBORG)[place % 2]) for place in range(len(stories))]
    for machine in machines:
        await machine.begin()
    before = set(map(str, await suite.judge()))
    for number, leap in enumerate(calendar):
        for machine, steps in zip(machines, stories, strict=True):
            for name, choice in steps[2 * number : 2 * number + 2]:
                try:
                    await getattr(machine, name)(choice)
                except AssertionError as error:
                    raise AssertionError(f"patron {machine.patron}, {name}: {error}") from error
        if number == reopen:
            await suite.kill_and_reopen()
        await suite.looker.glance()
        suite.suite.clock.travel(span(suite, leap))
        for machine in machines:
            await machine.look()
        await suite.suite.settle()
        suite.note("step", "*")
        findings = [each for each in await suite.judge() if str(each) not in before]
        assert not findings, "\n".join(map(str, findings[:10]))
        for machine in machines:
            await machine.look()


async def shrink(suite: HttpSuite, stories: Sequence[list[Step]], calendar: Sequence[Leap], reopen: int) -> list[Step]:
    """Return a story as short as can be found that fails by itself."""

    async def fails(steps: list[Step]) -> bool:
        try:
            await play(suite, [steps, steps], calendar, reopen)
        except AssertionError:
            return True
        return False

    trials = TRIALS
    shortest = stories[0]
    for one in stories:
        if await fails(one):
            shortest = one
            break
    for place in reversed(range(len(shortest))):
        trials -= 1
        fewer = [*shortest[:place], ("rest", 0), *shortest[place + 1 :]]
        if trials and shortest[place][0] != "rest" and await fails(fewer):
            shortest = fewer
    return [step for step in shortest if step[0] != "rest"]


async def rest(self: Machine, number: int) -> None:
    """Nothing: the place of a step that was taken out."""


Machine.rest = rest  # type: ignore[attr-defined]


@pytest_asyncio.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HttpSuite]:
    opened = await HttpSuite.open(tmp_path_factory.mktemp("shelf"))
    yield opened
    await opened.close()


async def live(suite: HttpSuite, seed: int) -> None:
    chance = Random(seed)
    stories: list[list[Step]] = [story(chance) for _ in range(AT_ONCE)]
    calendar = travels(chance)
    reopen = chance.randrange(STEPS)
    begin = len(suite.history)
    try:
        await play(suite, stories, calendar, reopen)
    except AssertionError as error:
        acts: list[dict[str, Any]] = suite.history[begin:]
        short = await shrink(suite, stories, calendar, reopen)
        lines = [f"GLEM_SEED={seed}: {error}", f"shrunk: {short}", f"days: {calendar}, reopened at {reopen}"]
        pytest.fail("\n".join([*lines, *map(str, acts)]))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("round_", range(2))
async def test_short_histories(suite, round_):
    await live(suite, SEED + round_)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("round_", range(20))
async def test_many_short_histories(suite, round_):
    await live(suite, SEED + 100 + round_)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [1, -1])
async def test_a_cutoff_that_is_off_by_a_second_is_found(suite, monkeypatch, seconds):
    """The judge can fail; last in this file, for the oracle never forgets."""
    right = policies.cutoff
    monkeypatch.setattr(policies, "cutoff", lambda terms, now: right(terms, now + seconds * SECOND))
    chance = Random(SEED)
    with pytest.raises(AssertionError):
        await play(suite, [story(chance) for _ in range(AT_ONCE)], travels(chance), reopen=STEPS)
