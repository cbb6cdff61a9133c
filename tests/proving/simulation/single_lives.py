"""Lives by hand: each act is the service's own action, whole, one at a time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import HOMEBOUND_HISTORY, ConsentGiven, ConsentWithdrawn
from loan_api.borrowers.store import save_snapshots
from loan_api.debts import actions as debts
from loan_api.debts.tables import DebtRow
from loan_api.loans import actions as loans
from loan_api.loans.schemas import CheckOut
from loan_api.returns import actions as returns
from loan_api.returns import amends
from loan_api.returns.schemas import CheckIn
from tests.proving.simulation.agenda import Agenda

T = TypeVar("T")
WORKS = [f"w{number}" for number in range(40)]
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


class UnexpectedRefusalError(RuntimeError):
    """A service refused what nothing speaks against."""


class House:
    """A library with items on its shelves and patrons who borrow one by one."""

    def __init__(self, agenda: Agenda, agency: str, chance: Random, span: timedelta) -> None:
        """Let lives begin within `span` of now."""
        self.agenda = agenda
        self.stage = agenda.stage
        self.agency = agency
        self.chance = chance
        self.patrons: list[int] = []
        self.shelf: list[str] = []
        self.lent_last: dict[str, int] = {}
        self._span = span

    async def open(self, patrons: int, items: int) -> None:
        """Take in patrons, works and items."""
        self.patrons = [new_id() for _ in range(patrons)]
        async with self.stage.lending.database.transaction() as tx:
            await save_snapshots(tx, snapshots(self.patrons, self.agency))
            await tx.execute(
                """INSERT INTO work (agency, work_id, title, creator, type, language, age_limit)
                SELECT $1, unnest($2::text[]), 't', '', 'book', '', 0""",
                self.agency,
                WORKS,
            )
        await self._buy(items)

    async def _buy(self, items: int) -> None:
        barcodes = [f"b{new_id()}" for _ in range(items)]
        await self.stage.lending.database.execute(
            """INSERT INTO item (item_id, agency, barcode, work_id, branch, price, state)
            SELECT unnest($1::bigint[]), $2, unnest($3::text[]), unnest($4::text[]), $2, 20000, 'available'""",
            [new_id() for _ in barcodes],
            self.agency,
            barcodes,
            [WORKS[place % len(WORKS)] for place in range(items)],
        )
        self.shelf += barcodes

    def begin_lives(self, lives: int) -> None:
        """Put `lives` loans on the agenda, some of one patron on one day."""
        start = self.stage.now
        for _ in range(lives):
            patron = self.chance.choice(self.patrons)
            life = Life(self, patron, Random(self.chance.random()))
            self.agenda.at(start + self._span * self.chance.random(), (self.agency, patron), life.lend)

    def begin_consents(self) -> None:
        """Let half of the patrons consent, once or twice, that their works be remembered; most withdraw it."""
        for patron in self.patrons:
            at = self.stage.now - DAY * self.chance.uniform(0, 20)
            for version in range(1, self.chance.choice((1, 1, 2, 2, 3, 4, 5))):
                at += self._span * self.chance.uniform(0.1, 0.4)
                self.agenda.at(max(at, self.stage.now), (self.agency, patron), self._consents(patron, version))

    def _consents(self, patron: int, version: int) -> Callable[[], Awaitable[None]]:
        kind = ConsentGiven if version % 2 else ConsentWithdrawn

        async def send() -> None:
            event = kind(patron_id=patron, purpose=HOMEBOUND_HISTORY, version=version)
            self.agenda.record("consent" if version % 2 else "withdraw", self.agency, patron_id=patron)
            # Twice, and then an older one late, which must change nothing.
            for _ in range(2):
                await self.stage.deliver(self.agency, patron, event)
            if version > 1:
                older = ConsentGiven if version % 2 == 0 else ConsentWithdrawn
                late = older(patron_id=patron, purpose=HOMEBOUND_HISTORY, version=version - 1)
                await self.stage.deliver(self.agency, patron, late)

        return send

    async def take(self) -> str:
        """Take an item from the shelf."""
        if not self.shelf:
            await self._buy(50)
        return self.shelf.pop()


class Life:
    """One loan, from the desk to nothing."""

    def __init__(self, house: House, patron: int, chance: Random) -> None:
        """Live as `chance` has it."""
        self._house = house
        self._stage = house.stage
        self._agenda = house.agenda
        self._agency = house.agency
        self._patron = patron
        self._chance = chance
        self._item = ""
        self._loan = 0
        self._debts: list[tuple[int, int]] = []
        self._orders = 0

    def _later(self, after: timedelta, deed: object) -> None:
        self._agenda.at(self._stage.now + after, (self._agency, self._patron), deed)  # type: ignore[arg-type]

    async def lend(self) -> None:
        """Check out, and plan what becomes of it."""
        while True:
            self._item = await self._house.take()
            wish = CheckOut(patron_id=self._patron, item=self._item)
            answer = await loans.check_out(self._stage.lending, self._stage.rules, self._agency, wish)
            if isinstance(answer, Refusal) and answer.problem.name == "item-on-loan":
                continue
            made = sound(answer)
            # An undone return may have lent it to this very patron again.
            if made.new:
                break
        self._loan = made.loan.loan_id
        self._house.lent_last[self._item] = self._loan
        self._agenda.record(
            "lend",
            self._agency,
            loan_id=self._loan,
            patron_id=self._patron,
            item=self._item,
            work_id=made.loan.work_id,
            branch=made.loan.branch,
            due_on=made.loan.due_on.isoformat(),
        )
        fate = self._chance.random()
        if fate < 0.06:
            self._later(DAY * self._chance.uniform(1, 40), self._lose)
        elif fate < 0.97:
            self._later(
                DAY * self._chance.choice((3, 10, 20, 26, 31, 45)) * self._chance.uniform(0.8, 1.1), self._give_back
            )
        if self._chance.random() < 0.06:
            self._later(DAY * self._chance.uniform(0, 60), self._charge)

    async def _give_back(self) -> None:
        back = None
        if self._chance.random() < 0.1:
            # An automat that was offline (H5).
            back = self._stage.now - DAY * self._chance.uniform(0, 2)
        wish = CheckIn(item=self._item, branch=self._agency, returned_at=back)
        answer = sound(await returns.check_in(self._stage.lending, self._stage.rules, self._agency, wish, None))
        if answer.loan is None or answer.loan.loan_id != self._loan or answer.loan.returned_at is None:
            raise UnexpectedRefusalError("a return closed another loan, or none")
        owed = [self._owe(debt) for debt in answer.debts]
        self._agenda.record(
            "return",
            self._agency,
            loan_id=self._loan,
            returned_at=answer.loan.returned_at.isoformat(),
            debts=owed,
            ready=None,
        )
        self._house.shelf.insert(0, self._item)
        await self._after_the_end()

    async def _lose(self) -> None:
        lost = sound(
            await amends.close_as_lost(
                self._stage.lending,
                self._stage.rules,
                self._staff,
                self._loan,
                cause="lost",
                price=self._chance.choice((None, None, 0)),
            )
        )
        owed = [] if lost.debt is None else [self._owe(lost.debt)]
        self._agenda.record("lose", self._agency, loan_id=self._loan, cause="lost", debts=owed)
        if self._chance.random() < 0.3:
            self._later(DAY * self._chance.uniform(0.5, 40), self._find)
        await self._after_the_end()

    async def _find(self) -> None:
        wish = CheckIn(item=self._item, branch=self._agency)
        answer = await returns.check_in(self._stage.lending, self._stage.rules, self._agency, wish, None)
        found = sound(answer).loan
        self._agenda.record("found", self._agency, loan_id=found.loan_id if found is not None else None, ready=None)
        if found is not None:
            self._debts.clear()
        else:
            self._agenda.record("refused", self._agency, loans=[self._loan], debts=[])

    async def _after_the_end(self) -> None:
        if self._chance.random() < 0.12:
            self._later(DAY * self._chance.uniform(0, 34), self._undo)
        due = await self._due()
        if due is None or self._chance.random() > 0.25:
            return
        # Around the due second (H11, H12).
        around = self._chance.choice((-DAY, -MOMENT, timedelta(), MOMENT, timedelta(seconds=1)))
        self._agenda.at(max(due + around, self._stage.now), (self._agency, self._patron), self._charge, exactly=True)

    async def _due(self) -> datetime | None:
        """Return when the loan goes, as far as its service knows now: what is planned by, never what is judged by."""
        anchor = await self._stage.lending.database.fetchval("SELECT anchor FROM loan WHERE loan_id = $1", self._loan)
        return None if anchor is None else self._stage.lending.agencies.due_at(self._agency, "loan", anchor)

    async def _undo(self) -> None:
        """Undo the return, unless somebody else has had the item since: it was no mistake then."""
        if self._house.lent_last[self._item] != self._loan:
            return
        answer = await amends.undo_return(self._stage.lending, self._stage.rules, self._staff, self._loan)
        if isinstance(answer, Refusal):
            if answer.problem.name == "loan-gone":
                self._agenda.record("refused", self._agency, loans=[self._loan], debts=[])
            return
        self._agenda.record("undo-return", self._agency, loan_id=self._loan)
        if self._item in self._house.shelf:
            self._house.shelf.remove(self._item)
        self._later(DAY * self._chance.uniform(0.1, 5), self._give_back)

    async def _charge(self) -> None:
        amount = self._chance.randrange(100, 5000)
        answer = await debts.raise_debt(
            self._stage.desk,
            self._staff,
            patron_id=self._patron,
            loan_id=self._loan,
            kind="fee",
            amount=amount,
            cause="other",
        )
        if isinstance(answer, Refusal):
            self._agenda.record("refused", self._agency, loans=[self._loan], debts=[])
            return
        fields = self._owe(answer.debt, [self._loan])
        self._agenda.record("charge", self._agency, patron_id=self._patron, **fields)

    def _owe(self, debt: DebtRow, for_loans: Sequence[int] | None = None) -> dict[str, object]:
        """Note a debt, and plan how it ends, if it does."""
        self._debts.append((debt.debt_id, debt.amount))
        ending = self._chance.random()
        if ending < 0.5:
            self._later(DAY * self._chance.uniform(0, 12), lambda: self._pay(debt.debt_id, debt.amount))
        elif ending < 0.7:
            self._later(DAY * self._chance.uniform(0, 5), lambda: self._pay(debt.debt_id, debt.amount // 2))
            self._later(
                DAY * self._chance.uniform(6, 20), lambda: self._pay(debt.debt_id, debt.amount - debt.amount // 2)
            )
        elif ending < 0.97:
            self._later(DAY * self._chance.uniform(0, 25), lambda: self._waive(debt.debt_id))
        return {
            "debt_id": debt.debt_id,
            "kind": debt.kind,
            "cause": debt.cause,
            "amount": debt.amount,
            "due_on": debt.due_on.isoformat() if debt.due_on else None,
            "loans": list(for_loans or [self._loan]),
        }

    async def _pay(self, debt_id: int, amount: int) -> None:
        order = f"o{new_id()}"
        paid = await debts.pay(
            self._stage.desk, self._staff, order_id=order, patron_id=self._patron, amount=amount, debt_ids=[debt_id]
        )
        if isinstance(paid, Refusal):
            # Waived meanwhile, because its item came back or its return was undone.
            if paid.problem.name == "debt-gone":
                self._agenda.record("refused", self._agency, loans=[], debts=[debt_id])
            return
        fields = {"order_id": order, "patron_id": self._patron, "amount": amount, "debts": [debt_id]}
        self._agenda.record("pay", self._agency, **fields)
        if self._chance.random() < 0.2:
            self._later(DAY * self._chance.uniform(1, 36), lambda: self._charge_back(order, debt_id, amount))

    async def _charge_back(self, order: str, debt_id: int, amount: int) -> None:
        answer = await debts.reverse_payment(self._stage.desk, self._staff, order_id=order)
        if isinstance(answer, Refusal):
            self._agenda.record("refused", self._agency, loans=[], debts=[debt_id])
            return
        self._agenda.record("reverse", self._agency, order_id=order)
        if self._chance.random() < 0.9:
            self._later(DAY * self._chance.uniform(0, 10), lambda: self._pay(debt_id, amount))

    async def _waive(self, debt_id: int) -> None:
        answer = await debts.waive(self._stage.desk, self._staff, debt_id=debt_id, amount=None)
        if isinstance(answer, Refusal):
            if answer.problem.name == "debt-gone":
                self._agenda.record("refused", self._agency, loans=[], debts=[debt_id])
            return
        waived = -await self._last_entry(debt_id)
        self._agenda.record("waive", self._agency, debt_id=debt_id, amount=waived)

    async def _last_entry(self, debt_id: int) -> int:
        amount: int = await self._stage.lending.database.fetchval(
            "SELECT amount FROM debt_entry WHERE debt_id = $1 AND kind = 'waiver' AND at = $2", debt_id, self._stage.now
        )
        return amount

    @property
    def _staff(self) -> Principal:
        return self._stage.staff(self._agency)


def sound(answer: T | Refusal) -> T:
    """Return what is no refusal; raises UnexpectedRefusalError for one."""
    if isinstance(answer, Refusal):
        raise UnexpectedRefusalError(answer.problem.name)
    return answer


def snapshots(patrons: Sequence[int], agency: str) -> list[list[object]]:
    """Return the columns of `save_snapshots` for adult patrons of no distinction."""
    rows = [(patron, agency, 1, "adult", 18, agency, "", None, None) for patron in patrons]
    return [list(column) for column in zip(*rows, strict=True)]
