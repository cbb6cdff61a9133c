"""Random histories of a few loans and the debts on them, lived on PostgreSQL by the statements of the service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from glem.database import Transaction
from glem.outbox import OutboxRow
from loan_api.claims.store import end_loan
from loan_api.debts import rules as debt_rules
from loan_api.debts import store as debts
from loan_api.debts.tables import DebtRow, EntryRow
from loan_api.loans import erasure
from loan_api.loans.rules import DebtFacts, loan_anchor
from loan_api.loans.store import recompute_clocks
from loan_api.loans.tables import LoanRow
from loan_api.reservations.store import Shelf
from loan_api.returns import store as returns

if TYPE_CHECKING:
    import asyncio

    import asyncpg

    from loan_api.agency import FeeScope

SCOPES: tuple[FeeScope, ...] = ("loan", "patron")
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
# Loans 1 to 3 are the first patron's, loan 4 is a bystander's.
PATRON_OF = {1: 101, 2: 101, 3: 101, 4: 102}
KEPT = debt_rules.Keeping(redacts=False, material=None, amount=None, loans=None)
VERBS = ("give_back", "give_back", "undo", "charge", "charge", "share", "pay", "waive", "waive", "take_back")


@dataclass(frozen=True)
class Step:
    """Something that happens `after` the step before it; `pick` and `much` say to which loan or debt, and how much."""

    verb: str
    after: timedelta
    pick: int
    much: int


@dataclass(frozen=True)
class History:
    """What happened, under which reading of the fees, and which of its times is looked back from."""

    scope: FeeScope
    steps: list[Step]
    place: int


# Often the same instant, or the next one.
pauses = st.sampled_from([timedelta(), timedelta(), INSTANT, timedelta(hours=1), timedelta(days=9)])
steps = st.builds(Step, st.sampled_from(VERBS), pauses, st.integers(0, 11), st.integers(1, 3))
histories = st.builds(History, st.sampled_from(SCOPES), st.lists(steps, min_size=8, max_size=20), st.integers(0, 99))


@dataclass
class Lives:
    """A history as it is lived: written to the database by the service's own statements, and kept here as plain facts."""

    tx: Transaction
    scope: FeeScope
    now: datetime = START
    returned: dict[int, datetime | None] = field(default_factory=lambda: dict.fromkeys(PATRON_OF))
    debts: list[DebtRow] = field(default_factory=list)
    loans_of: dict[int, list[int]] = field(default_factory=dict)
    ledgers: dict[int, list[tuple[datetime, int]]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def rule(self, loan_id: int, scope: FeeScope, as_of: datetime | None = None) -> datetime | None:
        facts = [
            DebtFacts(self.loans_of[debt.debt_id], self.ledgers[debt.debt_id])
            for debt in self.debts
            if debt.patron_id == PATRON_OF[loan_id]
        ]
        return loan_anchor(loan_id, self.returned[loan_id], facts, scope, as_of)

    def compare(self, what: str, found: object, told: object) -> None:
        if found != told:
            self.differences.append(f"{what}: {found}, by the rule {told}")

    async def live(self, step: Step) -> None:
        self.now += step.after
        await getattr(self, step.verb)(step.pick, step.much)

    async def give_back(self, pick: int, much: int) -> None:
        """Close a loan by one of the three statements that do; an automat may tell of it late."""
        loan_id = 1 + pick % len(PATRON_OF)
        if self.returned[loan_id] is not None:
            return
        at = self.returned[loan_id] = self.now - (timedelta(days=5) if pick > 7 else timedelta())
        if much == 1:
            shelf = Shelf(loan_id, "DK-1", "w", START.date(), self.now, START.date())
            told = OutboxRow("t", "k", b"")
            found = (await returns.close(self.tx, self.scope, shelf, loan_id, at, None, told))["anchor"]
        elif much == 2:
            found = (await returns.close_as(self.tx, loan_id, "lost", at, self.scope)).anchor
        else:
            found = (await end_loan(self.tx, loan_id, at, self.scope)).anchor
        self.compare(f"closing {loan_id}", found, self.rule(loan_id, self.scope))

    async def undo(self, pick: int, _: int) -> None:
        loan_id = 1 + pick % len(PATRON_OF)
        self.returned[loan_id] = None
        self.compare(f"opening {loan_id}", (await returns.reopen(self.tx, loan_id)).anchor, self.rule(loan_id, "loan"))

    async def charge(self, pick: int, much: int) -> None:
        """Raise a debt, for none, one or two loans of one patron."""
        for_loans = [[1], [1], [2], [1, 2], [], [4]][pick % 6]
        debt = DebtRow(
            debt_id=1 + len(self.debts),
            agency="DK-1",
            patron_id=PATRON_OF[for_loans[0]] if for_loans else 101,
            kind="fee",
            cause="other",
            amount=much,
            balance=much,
            raised_at=self.now,
        )
        await debts.insert_debt(self.tx, debt, [loan_row(loan_id) for loan_id in for_loans])
        self.debts.append(debt)
        self.loans_of[debt.debt_id], self.ledgers[debt.debt_id] = for_loans, [(self.now, much)]

    async def share(self, pick: int, _: int) -> None:
        """Let a debt of the first patron be for one more loan, as an overdue fee of one day is."""
        if self.debts and (debt := self.debts[pick % len(self.debts)]).patron_id == PATRON_OF[3]:
            await debts.add_material(self.tx, debt.debt_id, loan_row(3))
            self.loans_of[debt.debt_id] = [*self.loans_of[debt.debt_id], 3]

    async def pay(self, pick: int, much: int) -> None:
        await self._move(pick, "payment", much)

    async def waive(self, pick: int, _: int) -> None:
        await self._move(pick, "waiver", 99)

    async def take_back(self, pick: int, _: int) -> None:
        """A bank takes back all that was paid."""
        await self._move(pick, "reversal", -99)

    async def _move(self, pick: int, kind: str, much: int) -> None:
        """Pay or waive up to `much` of a debt that is owed, or take back what was paid of another."""
        places = [
            place for place, debt in enumerate(self.debts) if (debt.balance if much > 0 else debt.balance < debt.amount)
        ]
        if not places:
            return
        place = places[pick % len(places)]
        before = self.debts[place]
        share = min(before.balance, much) if much > 0 else before.balance - before.amount
        debt = self.debts[place] = debt_rules.moved(before, -share, KEPT, self.now)
        entry = EntryRow(sum(map(len, self.ledgers.values())), debt.debt_id, kind, -share, self.now, None)
        await debts.write_debts(self.tx, [debt])
        await debts.add_entries(self.tx, debt.agency, [replace(entry, entry_id=1000 + entry.entry_id)])
        self.ledgers[debt.debt_id].append((self.now, -share))

    def times(self) -> list[datetime]:
        known = {at for ledger in self.ledgers.values() for at, _ in ledger} | set(self.returned.values()) - {None}
        return sorted(moment + step for moment in known for step in (timedelta(), INSTANT))

    async def look(self, place: int) -> None:
        """Compare all that asks for an anchor with the rule, with each time of the history as `as_of`."""
        for scope in SCOPES:
            found = await self.tx.fetch(
                """SELECT loan_id, as_of, facts.anchor
                FROM loan CROSS JOIN unnest($1::timestamptz[]) AS as_of
                CROSS JOIN LATERAL loan_anchor(loan_id, patron_id, returned_at, $2, as_of) AS facts
                UNION ALL SELECT loan_id, NULL, facts.anchor
                FROM loan CROSS JOIN LATERAL loan_anchor(loan_id, patron_id, returned_at, $2) AS facts""",
                self.times(),
                scope,
            )
            for loan_id, as_of, anchor in found:
                self.compare(f"{loan_id} as of {as_of}", anchor, self.rule(loan_id, scope, as_of))
        await recompute_clocks(self.tx, list(PATRON_OF), self.scope)
        stored = {row["loan_id"]: row["anchor"] for row in await self.tx.fetch("SELECT loan_id, anchor FROM loan")}
        self.compare("recomputed", stored, {loan_id: self.rule(loan_id, self.scope) for loan_id in PATRON_OF})
        if moments := self.times():
            await self._look_at_erasure(stored, moments[place % len(moments)], moments[-1 - place % 7 % len(moments)])

    async def _look_at_erasure(self, stored: dict[int, datetime | None], cutoff: datetime, due_at: datetime) -> None:
        forgotten = sorted(stored)[cutoff.microsecond % 2 :: 2]
        await self.tx.execute("UPDATE loan SET anchor = NULL WHERE loan_id = ANY($1::bigint[])", forgotten)
        known = {
            loan_id: self.rule(loan_id, self.scope) if loan_id in forgotten else anchor
            for loan_id, anchor in stored.items()
        }
        overdue = await erasure.overdue(self.tx, "DK-1", cutoff, 99, self.scope)
        told = {loan_id: anchor for loan_id, anchor in known.items() if anchor is not None and anchor <= cutoff}
        self.compare("overdue", {row["loan_id"]: row["facts"] for row in overdue}, told)
        erased = await erasure.erase(self.tx, dict.fromkeys(PATRON_OF, due_at), cutoff, self.scope)
        then = {loan_id: self.rule(loan_id, self.scope, due_at) for loan_id in PATRON_OF}
        told = {loan_id for loan_id, anchor in then.items() if anchor is not None and anchor <= cutoff}
        self.compare(f"erased as of {due_at}", set(erased), told)


def loan_row(loan_id: int) -> LoanRow:
    return LoanRow(
        loan_id, "DK-1", PATRON_OF[loan_id], loan_id, "w", "b", START, date(2027, 4, 1), 0, None, None, None, None, 0
    )  # fmt: skip


LOANS = """
INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, reminders, clock_version)
SELECT loan_id, 'DK-1', patron_id, loan_id, 'w', 'b', '2027-02-01', '2027-03-01', 0, 0, 0
FROM unnest($1::bigint[], $2::bigint[]) AS made (loan_id, patron_id)
"""


@dataclass
class Lab:
    """A database with nothing in it, on an event loop of its own: Hypothesis calls plain functions."""

    runner: asyncio.Runner
    connection: asyncpg.Connection

    def differences(self, history: History) -> list[str]:
        """Live a history, and return where the database and the rule differ. Nothing of it stays."""
        return self.runner.run(self._live(history, {}))[0]

    def found(self, history: History, faults: dict[str, str]) -> set[str]:
        """Live a history, and return which of these texts of the function would then differ from the rule."""
        return self.runner.run(self._live(history, faults))[1]

    async def _live(self, history: History, faults: dict[str, str]) -> tuple[list[str], set[str]]:
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            lives = Lives(Transaction(self.connection, "loan-api", START), history.scope)
            await self.connection.execute(LOANS, list(PATRON_OF), list(PATRON_OF.values()))
            for step in history.steps:
                await lives.live(step)
            return await self._look(lives, history), {
                fault for fault, text in faults.items() if await self._look(lives, history, text)
            }
        finally:
            await transaction.rollback()

    async def _look(self, lives: Lives, history: History, text: str | None = None) -> list[str]:
        savepoint = self.connection.transaction()
        await savepoint.start()
        if text is not None:
            lives.differences.clear()
            await self.connection.execute(text)
        await lives.look(history.place)
        await savepoint.rollback()
        return list(lives.differences)
