"""The plain reading: reads the history once, in order, and notes the fate of every record.

An act is a mapping with `act`, `at` (ISO time), `agency`, and the fields that its method below names. Acts are such as succeeded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.proving.oracle.promises import Promises, danish_day, end_of_accounting_year, end_of_danish_day
from tests.proving.oracle.records import Dated, Debt, Loan, Patron, Payment, Reservation

Act = Mapping[str, Any]
NOTE_CLASSES = {"internal": "internal-note", "patron": "patron-note"}


class Life:
    """All records of a history, as they must be at its end."""

    def __init__(self, promises: Mapping[str, Promises]) -> None:
        """Begin with nothing."""
        self.promises = promises
        self.loans: dict[int, Loan] = {}
        self.debts: dict[int, Debt] = {}
        self.payments: dict[tuple[str, str], Payment] = {}
        self.reservations: dict[int, Reservation] = {}
        self.patrons: dict[int, Patron] = {}
        self.dated: dict[tuple[str, int], Dated] = {}
        self.old_values: dict[str, int] = {}
        self.undeserved: set[int] = set()
        self.mails: list[int] = []
        self.steps: list[datetime] = []
        self._debts_of: defaultdict[int, list[Debt]] = defaultdict(list)
        self._debts_for: defaultdict[int, list[Debt]] = defaultdict(list)
        self._loans_of: defaultdict[int, list[Loan]] = defaultdict(list)
        self._wanted: dict[tuple[int, str], Reservation] = {}

    def read(self, history: Iterable[Act]) -> "Life":
        """Take in a history, oldest act first; raises KeyError for an act that is not known or lacks a field."""
        tellers = {
            "step": self._step,
            "register": self._register,
            "contacts": self._contacts,
            "lend": self._lend,
            "renew": self._renew,
            "return": self._return,
            "found": self._found,
            "undo-return": self._undo_return,
            "lose": self._lose,
            "charge": self._charge,
            "pay": self._pay,
            "reverse": self._reverse,
            "waive": self._waive,
            "reserve": self._reserve,
            "ready": self._ready,
            "interest": self._interest,
            "cancel": self._cancel,
            "write": self._write,
            "wipe": self._wipe,
            "mail": self._mail,
        }
        for act in history:
            tellers[act["act"]](act, datetime.fromisoformat(act["at"]))
        return self

    def period(self, agency: str, record_class: str) -> timedelta | None:
        """Return how long the library keeps such records after their anchor; None when no time ends them."""
        return self.promises[agency].periods.get(record_class)

    def _step(self, _: Act, at: datetime) -> None:
        self.steps.append(at)

    def _register(self, act: Act, _: datetime) -> None:
        """`patron_id`, `group`, `home_branch`, `language`, `contacts` (all values)."""
        patron = Patron(act["patron_id"], act["agency"], act["group"], act["home_branch"], act["language"])
        patron.contacts = set(act["contacts"])
        self.patrons[patron.patron_id] = patron

    def _contacts(self, act: Act, _: datetime) -> None:
        """`patron_id`, `contacts`: all values from now on. What is left out must be nowhere any more."""
        patron = self.patrons[act["patron_id"]]
        for value in patron.contacts - set(act["contacts"]):
            self.old_values[value] = patron.patron_id
        patron.contacts = set(act["contacts"])
        for value in patron.contacts:
            self.old_values.pop(value, None)

    def _lend(self, act: Act, at: datetime) -> None:
        """`loan_id`, `patron_id`, `item`, `work_id`, `branch`, `due_on`. Ends the patron's reservation of the work (R46)."""
        loan = Loan(
            act["loan_id"],
            act["agency"],
            act["patron_id"],
            act["item"],
            act["work_id"],
            act["branch"],
            at,
            date.fromisoformat(act["due_on"]),
        )
        self.loans[loan.loan_id] = loan
        self._loans_of[loan.patron_id].append(loan)
        wanted = self._wanted.pop((loan.patron_id, loan.work_id), None)
        if wanted is not None:
            self._end(wanted, at)

    def _renew(self, act: Act, _: datetime) -> None:
        """`loan_id`, `due_on`."""
        loan = self.loans[act["loan_id"]]
        loan.due_on = date.fromisoformat(act["due_on"])
        loan.renewals += 1

    def _return(self, act: Act, at: datetime) -> None:
        """`loan_id`, `returned_at`, `debts` (each as in `charge`), `ready` (as in `ready`, or null).

        `told_on` is the day that a machine reported, if it reported no time: a return on the due date is in time (H58).
        """
        loan = self.loans[act["loan_id"]]
        loan.returned_at, loan.closed_as = datetime.fromisoformat(act["returned_at"]), None
        day = date.fromisoformat(act["told_on"]) if act.get("told_on") else danish_day(loan.returned_at)
        for debt in act["debts"]:
            self._raise(debt, loan.agency, loan.patron_id, at)
            if day <= loan.due_on:
                self.undeserved.add(debt["debt_id"])
        if not act["debts"]:
            self._join_fee(loan, at)
        self._wind(loan, at)
        if act["ready"] is not None:
            self._ready(act["ready"], at)
            loan.readied = act["ready"]["reservation_id"]

    def _found(self, act: Act, at: datetime) -> None:
        """`loan_id` (or null), `ready`: a lost item came back. What is still owed for it is waived; the loan stays as it was."""
        loan = self.loans[act["loan_id"]] if act["loan_id"] is not None else None
        if loan is not None and not loan.fate.is_due(at, self.period(loan.agency, "loan")):
            for debt in self._debts_for[loan.loan_id]:
                if debt.kind == "compensation" and debt.is_open:
                    self._book(debt, -debt.balance, at)
        if act["ready"] is not None:
            self._ready(act["ready"], at)

    def _join_fee(self, loan: Loan, at: datetime) -> None:
        """One fee stands for all that was due on one day and returned on one day: a later one joins it."""
        if loan.returned_at is None or danish_day(loan.returned_at) <= loan.due_on:
            return
        day = danish_day(loan.returned_at)
        for debt in self._debts_of[loan.patron_id]:
            returned = [self.loans[other].returned_at for other in debt.loans if other != loan.loan_id]
            if (
                debt.cause == "overdue"
                and debt.due_on == loan.due_on
                and any(moment is not None and danish_day(moment) == day for moment in returned)
                and not debt.fate.is_due(at, self.period(debt.agency, "debt"))
            ):
                debt.loans.add(loan.loan_id)
                self._debts_for[loan.loan_id].append(debt)
                return

    def _undo_return(self, act: Act, at: datetime) -> None:
        """`loan_id`. The loan leaves its overdue fee; a fee without loans is withdrawn. A reservation made ready queues again."""
        loan = self.loans[act["loan_id"]]
        loan.returned_at = None
        for debt in [debt for debt in self._debts_for[loan.loan_id] if debt.cause == "overdue"]:
            debt.loans.discard(loan.loan_id)
            self._debts_for[loan.loan_id].remove(debt)
            if not debt.loans:
                self._book(debt, -debt.balance, at)
        if loan.readied in self.reservations:
            self.reservations[loan.readied].deadline = None
        self._wind(loan, at)

    def _lose(self, act: Act, at: datetime) -> None:
        """`loan_id`, `cause` (lost or damaged), `debts`. The loan is closed."""
        loan = self.loans[act["loan_id"]]
        loan.returned_at, loan.closed_as = at, act["cause"]
        for debt in act["debts"]:
            self._raise(debt, loan.agency, loan.patron_id, at)
        self._wind(loan, at)

    def _charge(self, act: Act, at: datetime) -> None:
        """`patron_id`, `debt_id`, `kind`, `cause`, `amount`, `due_on` (of what it is for, or null), `loans` (ids)."""
        self._raise(act, act["agency"], act["patron_id"], at)

    def _raise(self, act: Act, agency: str, patron_id: int, at: datetime) -> None:
        due_on = date.fromisoformat(act["due_on"]) if act["due_on"] else None
        debt = Debt(
            act["debt_id"],
            agency,
            patron_id,
            act["kind"],
            act["cause"],
            act["amount"],
            at,
            due_on,
            set(act["loans"]),
            act["amount"],
        )
        self.debts[debt.debt_id] = debt
        self._debts_of[patron_id].append(debt)
        for loan_id in debt.loans:
            self._debts_for[loan_id].append(debt)
        self._wind_held(debt, at)

    def _pay(self, act: Act, at: datetime) -> None:
        """`order_id`, `patron_id`, `amount`, `debts` (ids, or null for all: oldest first)."""
        named, left = act["debts"], act["amount"]
        owed = [debt for debt in self._debts_of[act["patron_id"]] if debt.is_open]
        payment = Payment(act["order_id"], act["patron_id"], {})
        for debt in sorted(owed, key=lambda debt: (debt.raised_at, debt.debt_id)):
            share = min(left, debt.balance) if named is None or debt.debt_id in named else 0
            if share:
                payment.shares[debt.debt_id] = share
                left -= share
                self._book(debt, -share, at)
        self.payments[act["agency"], act["order_id"]] = payment

    def _reverse(self, act: Act, at: datetime) -> None:
        """`order_id`. What the payment settled is owed again."""
        for debt_id, share in self.payments[act["agency"], act["order_id"]].shares.items():
            self._book(self.debts[debt_id], share, at)

    def _waive(self, act: Act, at: datetime) -> None:
        """`debt_id`, `amount`."""
        self._book(self.debts[act["debt_id"]], -act["amount"], at)

    def _book(self, debt: Debt, amount: int, at: datetime) -> None:
        """Make an entry; settled is settled, by payment or waiver alike (H17), and open again when something is owed (H13)."""
        if amount == 0:
            return
        debt.balance += amount
        if debt.is_open:
            debt.settled_at = None
        elif debt.settled_at is None:
            debt.settled_at = at
        promises = self.promises[debt.agency]
        debt.fate.move(debt.settled_at, at, self.period(debt.agency, "debt"))
        if promises.keeps_amounts:
            year = end_of_accounting_year(debt.settled_at) if debt.settled_at else None
            debt.amount_fate.move(year, at, self.period(debt.agency, "debt-amount"))
        self._wind_held(debt, at)

    def _wind_held(self, debt: Debt, at: datetime) -> None:
        by_patron = self.promises[debt.agency].debts_hold == "patron"
        held = self._loans_of[debt.patron_id] if by_patron else [self.loans[loan_id] for loan_id in debt.loans]
        for loan in held:
            self._wind(loan, at)

    def _wind(self, loan: Loan, at: datetime) -> None:
        """Set the loan's clock: from the later of return and last settlement, while no debt on it is open (R34, R35)."""
        by_patron = self.promises[loan.agency].debts_hold == "patron"
        holding = self._debts_of[loan.patron_id] if by_patron else self._debts_for[loan.loan_id]
        anchor = loan.returned_at
        if anchor is not None and any(debt.is_open for debt in holding):
            anchor = None
        elif anchor is not None:
            anchor = max([anchor, *(debt.settled_at for debt in holding if debt.settled_at is not None)])
        loan.fate.move(anchor, at, self.period(loan.agency, "loan"))

    def _reserve(self, act: Act, _: datetime) -> None:
        """`reservation_id`, `patron_id`, `work_id`, `expires_on`."""
        reservation = Reservation(
            act["reservation_id"],
            act["agency"],
            act["patron_id"],
            act["work_id"],
            date.fromisoformat(act["expires_on"]),
        )
        self.reservations[reservation.reservation_id] = reservation
        self._wanted[reservation.patron_id, reservation.work_id] = reservation

    def _ready(self, act: Act, at: datetime) -> None:
        """`reservation_id`, `deadline` (the last day to fetch it)."""
        reservation = self.reservations[act["reservation_id"]]
        if not self._has_ended(reservation, at):
            reservation.deadline = date.fromisoformat(act["deadline"])

    def _interest(self, act: Act, _: datetime) -> None:
        """`reservation_id`, `expires_on`: the patron wants it until another day."""
        self.reservations[act["reservation_id"]].expires_on = date.fromisoformat(act["expires_on"])

    def _cancel(self, act: Act, at: datetime) -> None:
        """`reservation_id`. It is gone at once (R47)."""
        self._end(self.reservations[act["reservation_id"]], at)

    def _end(self, reservation: Reservation, at: datetime) -> None:
        if not self._has_ended(reservation, at):
            reservation.ended_at, reservation.ended_by_act = at, True

    def _has_ended(self, reservation: Reservation, at: datetime) -> bool:
        """Say whether the reservation was over by `at`: a day that is missed ends it (R46)."""
        if reservation.ended_at is None:
            over = end_of_danish_day(reservation.deadline or reservation.expires_on)
            reservation.ended_at = over if over <= at else None
        return reservation.ended_at is not None

    def _write(self, act: Act, at: datetime) -> None:
        """`record_class`, `record_id`, `patron_id`, `kind`, `anchor` (ISO time, or null while it is in force).

        A note, an absence or a block is there from now on, or has another anchor.
        """
        key = (act["record_class"], act["record_id"])
        if key not in self.dated:
            self.dated[key] = Dated(*key, act["agency"], act["patron_id"], act["kind"], at)
        anchor = datetime.fromisoformat(act["anchor"]) if act["anchor"] else None
        self.dated[key].fate.move(anchor, at, self.period(act["agency"], act["record_class"]))

    def _wipe(self, act: Act, at: datetime) -> None:
        """`record_class`, `record_id`: a note or an absence was replaced or taken away, and is gone at once."""
        self.dated[act["record_class"], act["record_id"]].fate.end(at)

    def _mail(self, act: Act, _: datetime) -> None:
        """`message_id`: a message was delivered, so its overview line must be there."""
        self.mails.append(act["message_id"])

    def conclude(self, now: datetime) -> None:
        """Let time pass until `now`."""
        for loan in self.loans.values():
            loan.fate.is_due(now, self.period(loan.agency, "loan"))
        for debt in self.debts.values():
            debt.fate.is_due(now, self.period(debt.agency, "debt"))
            debt.amount_fate.is_due(now, self.period(debt.agency, "debt-amount"))
        for reservation in self.reservations.values():
            self._has_ended(reservation, now)
        for dated in self.dated.values():
            dated.fate.is_due(now, self.period(dated.agency, dated.record_class))
