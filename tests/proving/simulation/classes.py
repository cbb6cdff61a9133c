"""Lives by the hundred: a school class borrows, and what happens to many of its loans at once is done by the set.

Real, set-wise: payments and chargebacks (the actions, whole), waivers (`ledger.post`), and every clock of every loan
(`recompute_clocks`, `reclock`, `rules.moved`, `rules.clocks`) with its event. The facts of a check-out and of a return are
written here; the desk's own statements are exercised by `hands`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from random import Random

from glem.clock import local_date
from glem.database import Transaction
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import DebtRaised, LoanReturned, ReturnUndone
from glem_contracts.events.envelope import RecordClock
from glem_contracts.holds import NamedRecords
from loan_api.borrowers.store import change_balance, lock_borrower, save_snapshots
from loan_api.debts import actions as debts
from loan_api.debts import rules, store
from loan_api.debts.ledger import Books, Move, post, reclock
from loan_api.debts.tables import DebtRow
from loan_api.loans import erasure
from loan_api.loans.rules import is_due
from loan_api.loans.store import recompute_clocks
from loan_api.loans.tables import LoanRow
from loan_api.returns.store import reopen
from retention_worker.holds import actions as holds
from retention_worker.holds.schemas import HoldWanted
from tests.proving.simulation.agenda import Agenda
from tests.proving.simulation.single_lives import DAY, MOMENT, snapshots, sound

COLUMNS = (
    "loan_id", "agency", "patron_id", "item_id", "work_id", "branch", "loaned_at", "due_on", "renewals", "reminders", "clock_version",
)  # fmt: skip
LONG_LOAN = timedelta(days=300)
HELD = 0.3


class SchoolClass:
    """One patron with many loans at a library where a debt holds its own loan only."""

    def __init__(self, agenda: Agenda, agency: str, size: int, chance: Random) -> None:
        """Borrow `size` items."""
        self._agenda = agenda
        self._stage = agenda.stage
        self._agency = agency
        self._chance = chance
        self._patron = new_id()
        self._size = size
        self._loans: list[int] = []
        self._due_on = date.max
        self._opened_at = self._stage.now
        self._items: dict[int, int] = {}

    def _later(self, after: timedelta, deed: Callable[[], Awaitable[None]]) -> None:
        self._agenda.at(self._stage.now + after, self._patron, deed)

    async def lend(self) -> None:
        """Open all loans, and plan what becomes of them."""
        now = self._stage.now
        self._due_on, self._opened_at = local_date(now + LONG_LOAN), now
        self._items = {new_id(): new_id() for _ in range(self._size)}
        self._loans = list(self._items)
        rows = [
            (loan, self._agency, self._patron, item, "w", self._agency, now, self._due_on, 0, 0, 0)
            for loan, item in self._items.items()
        ]
        async with self._stage.lending.database.transaction() as tx:
            await save_snapshots(tx, snapshots([self._patron], self._agency))
            await tx.connection.copy_records_to_table("loan", records=rows, columns=COLUMNS)
        for loan in self._loans:
            self._agenda.record(
                "lend",
                self._agency,
                loan_id=loan,
                patron_id=self._patron,
                item=None,
                work_id="w",
                branch=self._agency,
                due_on=self._due_on.isoformat(),
            )
        self._plan()

    def _plan(self) -> None:
        loans = list(self._loans)
        self._chance.shuffle(loans)
        # A few stay out for as long as anybody looks.
        back, kept = loans[: max(1, int(len(loans) * 0.985))], 0
        for share, day in ((0.5, 3), (0.3, 9), (0.2, 21)):
            part = back[kept : kept + max(1, int(len(back) * share))]
            kept += len(part)
            self._return_later(part, day)
        self._return_later(back[kept:], 24)
        owing = self._chance.sample(loans, len(loans) // 12)
        self._later(DAY * self._chance.uniform(0, 30), lambda: self._charge(owing))
        if self._chance.random() < HELD:
            held = self._chance.sample(loans, max(1, len(loans) // 8))
            self._later(DAY * self._chance.uniform(2, 28), lambda: self._hold(held))

    def _return_later(self, loans: list[int], day: float) -> None:
        if loans:
            self._later(DAY * day * self._chance.uniform(0.9, 1.2), lambda: self._give_back(loans))

    async def _give_back(self, loans: list[int]) -> None:
        now = self._stage.now
        async with self._stage.lending.database.transaction() as tx:
            await lock_borrower(tx, self._patron)
            await tx.execute(
                "UPDATE loan SET returned_at = $2 WHERE loan_id = ANY($1::bigint[]) AND returned_at IS NULL", loans, now
            )
            clocks = await recompute_clocks(tx, loans, "loan")
            for clock in clocks:
                returned = LoanReturned(
                    patron_id=self._patron, branch=self._agency, returned_at=now, late=False, clocks=[clock]
                )
                tx.record(self._agency, clock.record_id, returned)
        for loan in loans:
            self._agenda.record("return", self._agency, loan_id=loan, returned_at=now.isoformat(), debts=[], ready=None)
        wrong = self._chance.sample(loans, len(loans) // 40)
        if wrong:
            self._later(DAY * self._chance.uniform(0.5, 33), lambda: self._undo(wrong))
        late = self._chance.sample(loans, len(loans) // 25)
        due = self._stage.lending.agencies.due_at(self._agency, "loan", now)
        if late and due is not None:
            around = self._chance.choice((-3 * DAY, -MOMENT, timedelta(), MOMENT))
            self._agenda.at(due + around, self._patron, lambda: self._charge(late), exactly=True)

    async def _undo(self, loans: Sequence[int]) -> None:
        async with self._stage.lending.database.transaction() as tx:
            await lock_borrower(tx, self._patron)
            free = await self._free(tx, loans)
            opened = [await reopen(tx, loan) for loan in free]
            for loan in opened:
                tx.record(self._agency, loan.loan_id, ReturnUndone(patron_id=self._patron, clocks=[loan.clock]))
        self._refused(set(loans) - set(free))
        for loan_id in free:
            self._agenda.record("undo-return", self._agency, loan_id=loan_id)
        if free:
            self._later(DAY * self._chance.uniform(0.5, 6), lambda: self._give_back(free))

    async def _free(self, tx: Transaction, loans: Sequence[int]) -> list[int]:
        """Lock `loans`, as an order does; return those that are there and not due."""
        cutoff = self._stage.lending.agencies.cutoff(self._agency, "loan", tx.now)
        found = await erasure.lock_free(tx, self._agency, loans)
        return [loan_id for loan_id, _, anchor in found if not is_due(anchor, cutoff)]

    def _refused(self, loans: set[int]) -> None:
        if loans:
            self._agenda.record("refused", self._agency, loans=sorted(loans), debts=[])

    async def _charge(self, loans: Sequence[int]) -> None:
        async with self._stage.lending.database.transaction() as tx:
            await lock_borrower(tx, self._patron)
            free = await self._free(tx, loans)
            books = self._stage.desk.books(tx, self._agency)
            raised = [self._debt() for loan in free]
            for debt, loan in zip(raised, free, strict=True):
                await store.insert_debt(tx, debt, [self._row(loan)])
            total = sum(debt.amount for debt in raised)
            balance, version = await change_balance(tx, self._patron, total)
            moved = await reclock(tx, books, self._patron, [debt.debt_id for debt in raised]) if raised else []
            of_loan = {clock.record_id: clock for clock in moved}
            for debt, loan in zip(raised, free, strict=True):
                clocks = [*rules.clocks(debt, books.kept), *self._known(of_loan, loan)]
                tx.record(
                    self._agency,
                    debt.debt_id,
                    DebtRaised(
                        patron_id=self._patron,
                        kind=debt.kind,
                        amount=debt.amount,
                        balance=debt.amount,
                        patron_balance=balance,
                        balance_version=version,
                        over_limit=False,
                        clocks=clocks,
                    ),
                )
        self._refused(set(loans) - set(free))
        for debt, loan in zip(raised, free, strict=True):
            self._agenda.record(
                "charge",
                self._agency,
                patron_id=self._patron,
                debt_id=debt.debt_id,
                kind="fee",
                cause="other",
                amount=debt.amount,
                due_on=self._due_on.isoformat(),
                loans=[loan],
            )
        self._plan_debts(raised)

    @staticmethod
    def _known(clocks: dict[int, RecordClock], loan: int) -> list[RecordClock]:
        return [clocks[loan]] if loan in clocks else []

    def _debt(self) -> DebtRow:
        amount = self._chance.randrange(200, 9000, 2)
        return DebtRow(
            debt_id=new_id(),
            agency=self._agency,
            patron_id=self._patron,
            kind="fee",
            cause="other",
            amount=amount,
            balance=amount,
            raised_at=self._stage.now,
            due_on=self._due_on,
        )

    def _row(self, loan: int) -> LoanRow:
        """Return a loan as far as a debt's material wants to know it."""
        return LoanRow(
            loan, self._agency, self._patron, self._items[loan], "w", self._agency, self._opened_at, self._due_on,
            0, None, None, None, None, 0,
        )  # fmt: skip

    def _plan_debts(self, raised: Sequence[DebtRow]) -> None:
        third = max(1, len(raised) // 3)
        paid, parted, waived = raised[:third], raised[third : 2 * third], raised[2 * third :]
        for group, shares in ((paid, (1.0,)), (parted, (0.5, 0.5))):
            if group:
                wait = 0.0
                for share in shares:
                    wait += self._chance.uniform(0, 10)
                    self._later(DAY * wait, self._payment(group, share))
        if waived:
            self._later(DAY * self._chance.uniform(0, 15), lambda: self._waive([debt.debt_id for debt in waived]))

    def _payment(self, group: Sequence[DebtRow], share: float) -> Callable[[], Awaitable[None]]:
        async def pay_all() -> None:
            # By half one pays each debt by itself, for a sum that is too small would pay the oldest whole.
            for part in [group] if share == 1.0 else [[debt] for debt in group]:
                await self._pay([debt.debt_id for debt in part], sum(int(debt.amount * share) for debt in part))

        return pay_all

    async def _pay(self, debt_ids: list[int], amount: int) -> None:
        order = f"o{new_id()}"
        sound(
            await debts.pay(
                self._stage.desk,
                self._stage.staff(self._agency),
                order_id=order,
                patron_id=self._patron,
                amount=amount,
                debt_ids=debt_ids,
            )
        )
        fields = {"order_id": order, "patron_id": self._patron, "amount": amount, "debts": debt_ids}
        self._agenda.record("pay", self._agency, **fields)
        if self._chance.random() < 0.25:
            self._later(DAY * self._chance.uniform(1, 33), lambda: self._charge_back(order, debt_ids, amount))

    async def _charge_back(self, order: str, debt_ids: list[int], amount: int) -> None:
        staff = self._stage.staff(self._agency)
        answer = await debts.reverse_payment(self._stage.desk, staff, order_id=order)
        if isinstance(answer, Refusal):
            self._agenda.record("refused", self._agency, loans=[], debts=debt_ids)
            return
        self._agenda.record("reverse", self._agency, order_id=order)
        self._later(DAY * self._chance.uniform(0, 8), lambda: self._pay(debt_ids, amount))

    async def _waive(self, debt_ids: list[int]) -> None:
        async with self._stage.lending.database.transaction() as tx:
            await lock_borrower(tx, self._patron)
            owed = [debt for debt in await store.lock_debts(tx, debt_ids) if debt.balance > 0]
            books = Books.of(tx, self._stage.rules[self._agency], self._stage.lending.agencies, self._agency)
            if owed:
                await post(tx, books, [Move(debt, "waiver", -debt.balance) for debt in owed])
        for debt in owed:
            self._agenda.record("waive", self._agency, debt_id=debt.debt_id, amount=debt.balance)

    async def _hold(self, loans: Sequence[int]) -> None:
        """Have some loans held, while the worker is there to be asked; it refuses when one of them is gone."""
        if not self._stage.worker_answers:
            self._later(DAY, lambda: self._hold(loans))
            return
        now, principal = self._stage.now, self._stage.staff(self._agency)
        ends = now + DAY * self._chance.uniform(4, 60)
        wanted = HoldWanted(
            kind="claim",
            reason="a simulated claim",
            ends_at=ends,
            records=[NamedRecords(record_class="loan", record_ids=list(loans))],
        )
        placed = await holds.place(self._stage.workers[1], principal, wanted)
        if isinstance(placed, Refusal):
            return
        fields = {
            "hold_id": placed.hold_id,
            "record_class": "loan",
            "record_ids": list(loans),
            "ends": ends.isoformat(),
        }
        self._agenda.record("hold", self._agency, **fields)
        if self._chance.random() < 0.6:
            self._later((ends - now) * self._chance.uniform(0.1, 0.95), lambda: self._release(placed.hold_id))

    async def _release(self, hold_id: int) -> None:
        if not self._stage.worker_answers:
            self._later(DAY / 2, lambda: self._release(hold_id))
            return
        principal = self._stage.staff(self._agency)
        answer = await holds.release(self._stage.workers[0], principal, hold_id, lambda: None)
        if not isinstance(answer, Refusal):
            self._agenda.record("release", self._agency, hold_id=hold_id)
