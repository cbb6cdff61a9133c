"""Whatever is done with debts, in whatever order: the ledger adds up, and each loan's clock is what the plain definition says."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loan_api_debts.conftest import DAY, KOEGE, RANDERS, START, STRUER, Library


@dataclass
class Story:
    """What was asked of one patron's debts, and a plain account of it."""

    library: Library
    agency: str
    patron: int
    loans: list[int]
    returned: dict[int, datetime] = field(default_factory=dict)
    debts: dict[int, list[int]] = field(default_factory=dict)
    owed: dict[int, int] = field(default_factory=dict)
    settled: dict[int, datetime] = field(default_factory=dict)
    orders: dict[str, dict[int, int]] = field(default_factory=dict)

    async def check_in(self, pick: int, _: int) -> None:
        left = [loan for loan in self.loans if loan not in self.returned]
        if left:
            loan = left[pick % len(left)]
            self.returned[loan] = self.library.clock.now()
            assert (await self.library.check_in(loan)).debts == []

    async def raise_debt(self, pick: int, amount: int) -> None:
        loan = [*self.loans, None][pick % (len(self.loans) + 1)]
        debt = (await self.library.raise_debt(self.patron, amount, loan)).json()["debt_id"]
        self.debts[debt], self.owed[debt] = ([] if loan is None else [loan]), amount

    async def pay(self, pick: int, amount: int) -> None:
        named = sorted(self.owed)[pick % len(self.owed)] if self.owed else None
        if named is None:
            return
        order_id = f"order-{self.patron}-{len(self.orders)}"
        answer = await self.library.pay(self.patron, amount, order_id=order_id, debt_ids=[named])
        assert answer.status_code == (201 if amount <= self.owed[named] else 409), answer.text
        if answer.status_code == 201:
            self.orders[order_id] = {named: amount}
            self.move(named, -amount)

    async def pay_oldest(self, _: int, amount: int) -> None:
        order_id = f"order-{self.patron}-{len(self.orders)}"
        answer = await self.library.pay(self.patron, amount, order_id=order_id)
        assert answer.status_code == (201 if amount <= sum(self.owed.values()) else 409)
        if answer.status_code == 201:
            self.orders[order_id] = {share["debt_id"]: share["amount"] for share in answer.json()["shares"]}
            assert sum(self.orders[order_id].values()) == amount
            for debt, share in self.orders[order_id].items():
                self.move(debt, -share)

    async def waive(self, pick: int, amount: int) -> None:
        if not self.owed:
            return
        debt = sorted(self.owed)[pick % len(self.owed)]
        answer = await self.library.waive(debt, self.agency, amount)
        assert answer.status_code == (200 if amount <= self.owed[debt] else 409)
        if answer.status_code == 200:
            self.move(debt, -amount)

    async def reverse(self, pick: int, _: int) -> None:
        if not self.orders:
            return
        order_id = sorted(self.orders)[pick % len(self.orders)]
        assert (await self.library.reverse(order_id, self.agency)).status_code == 200
        for debt, share in self.orders[order_id].items():
            self.move(debt, share)
        self.orders[order_id] = {}

    def move(self, debt: int, amount: int) -> None:
        self.owed[debt] += amount
        if self.owed[debt]:
            self.settled.pop(debt, None)
        else:
            self.settled[debt] = self.library.clock.now()

    def anchor(self, loan: int) -> datetime | None:
        """The plain definition: the later of the return and the last settlement; none while anything is open."""
        everything = self.agency == RANDERS
        bearing = [debt for debt, loans in self.debts.items() if everything or loan in loans]
        if loan not in self.returned or any(self.owed[debt] for debt in bearing):
            return None
        return max([self.returned[loan], *(self.settled[debt] for debt in bearing)])

    async def check(self) -> None:
        rows = await self.library.runtime.database.fetch(
            """SELECT debt.*, (SELECT sum(amount) FROM debt_entry WHERE debt_id = debt.debt_id) AS ledger
            FROM debt WHERE patron_id = $1""",
            self.patron,
        )
        assert {row["debt_id"]: row["balance"] for row in rows} == self.owed
        assert {row["debt_id"]: row["ledger"] for row in rows} == self.owed
        assert {row["debt_id"]: row["settled_at"] for row in rows if row["settled_at"]} == self.settled
        assert all(row["anchor"] == row["settled_at"] for row in rows)
        assert (await self.library.account(self.patron))["balance"] == sum(self.owed.values())
        assert {loan: await self.library.anchor(loan) for loan in self.loans} == {
            loan: self.anchor(loan) for loan in self.loans
        }

    async def check_told(self) -> None:
        """What the events told, the highest version of each clock, is what the tables hold."""
        told: dict[tuple[str, int], tuple[int, str | None]] = {}
        for event in await self.library.events():
            for clock in event["data"]["clocks"]:
                key = (clock["record_class"], clock["record_id"])
                told[key] = max(
                    told.get(key, (-1, None)), (clock["version"], clock["anchor"]), key=lambda pair: pair[0]
                )
        for loan in self.returned:
            assert parsed(told["loan", loan][1]) == self.anchor(loan)
        for debt in self.debts:
            assert parsed(told["debt", debt][1]) == self.settled.get(debt)


def parsed(moment: str | None) -> datetime | None:
    return None if moment is None else datetime.fromisoformat(moment)


VERBS = ("check_in", "raise_debt", "pay", "pay_oldest", "waive", "reverse")
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.sampled_from([1, 500, 1000, 1500, 3000])),
    min_size=1,
    max_size=14,
)


@pytest.mark.parametrize("agency", [STRUER, KOEGE, RANDERS])
async def test_the_ledger_adds_up_and_the_clocks_are_plain(library: Library, agency: str) -> None:
    """Hypothesis draws the stories; they are lived on one event loop, which it does not know of."""
    stories: list[list[tuple[str, int, int]]] = []

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(STEPS)
    def collect(steps: list[tuple[str, int, int]]) -> None:
        stories.append(steps)

    collect()
    for steps in stories:
        patron = await library.make_patron(agency)
        story = Story(library, agency, patron, [await library.make_loan(patron) for _ in range(3)])
        for verb, pick, amount in steps:
            library.travel(timedelta(minutes=7))
            await getattr(story, verb)(pick, amount)
        await story.check()
    await story.check_told()


async def test_a_long_story_of_one_patron(library: Library) -> None:
    dice = Random(20270301)
    patron = await library.make_patron(RANDERS)
    story = Story(library, RANDERS, patron, [await library.make_loan(patron) for _ in range(8)])
    for _ in range(60):
        library.travel(timedelta(minutes=1))
        await getattr(story, dice.choice(VERBS))(dice.randrange(50), dice.choice([1, 500, 1000, 2500]))
        await story.check()
    await story.check_told()
    assert library.clock.now() < START + DAY
