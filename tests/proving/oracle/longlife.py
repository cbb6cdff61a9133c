"""A history that never ends: policies that change, legal holds, refusals; and records that are forgotten once judged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tests.proving.oracle.judgement import Finding
from tests.proving.oracle.keeping import Hold, Version, VersionedFate
from tests.proving.oracle.life import Act, Life
from tests.proving.oracle.promises import Promises
from tests.proving.oracle.records import Debt, Loan
from tests.proving.oracle.remembering import Remembering

EVER = datetime.min  # noqa: DTZ901  the oracle reckons in plain UTC


class LongLife(Life):
    """Life with three more kinds of act, and a memory of no more than what still is to be judged."""

    def __init__(self, promises: Mapping[str, Promises]) -> None:
        """Begin with the policies of the files, in force from the beginning."""
        super().__init__(promises)
        self.versions: dict[tuple[str, str], list[Version]] = {}
        self.holds: defaultdict[tuple[str, int], list[Hold]] = defaultdict(list)
        self.complaints: list[Finding] = []
        self.acts = 0
        self.remembering = {
            isil: Remembering(isil, promised.periods["homebound-work"])
            for isil, promised in promises.items()
            if "homebound-work" in promised.periods
        }
        self._named: dict[int, list[Hold]] = {}
        self._more = {
            "adopt": self._adopt,
            "hold": self._hold,
            "release": self._release,
            "refused": self._refused,
            "consent": self._consent,
            "withdraw": self._withdraw,
        }

    def read(self, history: Iterable[Act]) -> "LongLife":
        """Take in more of the history, oldest act first."""
        for act in history:
            self.acts += 1
            teller = self._more.get(act["act"])
            if teller is None:
                super().read((act,))
            else:
                teller(act, datetime.fromisoformat(act["at"]))
        return self

    def of_class(self, agency: str, record_class: str, at: datetime) -> list[Version]:
        """Return the versions of a policy, that of the file first."""
        key = (agency, record_class)
        if key not in self.versions:
            period = self.period(agency, record_class)
            self.versions[key] = [] if period is None else [Version(period, EVER.replace(tzinfo=at.tzinfo))]
        return self.versions[key]

    def _adopt(self, act: Act, at: datetime) -> None:
        """`record_class`, `seconds`, `effective`: the library promises another period from then on."""
        version = Version(timedelta(seconds=act["seconds"]), datetime.fromisoformat(act["effective"]))
        self.of_class(act["agency"], act["record_class"], at).append(version)

    def _hold(self, act: Act, at: datetime) -> None:
        """`hold_id`, `record_class`, `record_ids`, `ends`: these records are kept until then, or until a release."""
        ends = datetime.fromisoformat(act["ends"])
        placed = [Hold(at, ends) for _ in act["record_ids"]]
        for record_id, hold in zip(act["record_ids"], placed, strict=True):
            self.holds[act["record_class"], record_id].append(hold)
        self._named[act["hold_id"]] = placed

    def _release(self, act: Act, at: datetime) -> None:
        """`hold_id`."""
        for hold in self._named.pop(act["hold_id"]):
            hold.ends = min(hold.ends, at)

    def _consent(self, act: Act, at: datetime) -> None:
        """`patron_id`: consents that the works be remembered."""
        self.remembering[act["agency"]].consent(act["patron_id"], at)

    def _withdraw(self, act: Act, at: datetime) -> None:
        """`patron_id`."""
        self.remembering[act["agency"]].withdraw(act["patron_id"], at)

    def _refused(self, act: Act, at: datetime) -> None:
        """`loans`, `debts` (ids): the service said that each of these is gone, or one of the debts. So it must be."""
        for loan_id in act["loans"]:
            loan = self.loans.get(loan_id)
            if loan is not None and not loan.fate.is_due(at, self.period(loan.agency, "loan")):
                self._complain("early", "loan", loan.agency, loan_id, f"was refused as gone {at}, and is not due")
        debts = [self.debts[debt_id] for debt_id in act["debts"] if debt_id in self.debts]
        if len(debts) == len(act["debts"]) and debts and not any(self._is_away(debt, at) for debt in debts):
            self._complain(
                "early", "debt", debts[0].agency, debts[0].debt_id, f"was refused as gone {at}, and is not due"
            )

    def _is_away(self, debt: Debt, at: datetime) -> bool:
        if self.promises[debt.agency].keeps_amounts:
            return debt.amount_fate.is_due(at, self.period(debt.agency, "debt-amount"))
        return debt.fate.is_due(at, self.period(debt.agency, "debt"))

    def _complain(self, kind: str, record_class: str, agency: str, record_id: int, what: str) -> None:
        self.complaints.append(Finding(kind, agency, record_class, record_id, what))  # type: ignore[arg-type]

    def _lend(self, act: Act, at: datetime) -> None:
        super()._lend(act, at)
        loan = self.loans[act["loan_id"]]
        loan.fate = VersionedFate(versions=self.of_class(loan.agency, "loan", at))

    def _undo_return(self, act: Act, at: datetime) -> None:
        self._must_be_seen(self.loans[act["loan_id"]], at, "its return was undone")
        super()._undo_return(act, at)

    def _raise(self, act: Act, agency: str, patron_id: int, at: datetime) -> None:
        for loan_id in act["loans"]:
            self._must_be_seen(self.loans[loan_id], at, "a debt was raised for it")
        super()._raise(act, agency, patron_id, at)
        debt = self.debts[act["debt_id"]]
        debt.fate = VersionedFate(versions=self.of_class(agency, "debt", at))
        debt.amount_fate = VersionedFate(versions=self.of_class(agency, "debt-amount", at))

    def _must_be_seen(self, loan: Loan, at: datetime, what: str) -> None:
        """Complain of what was done to a loan that was due, and had to be treated as gone (H12, H14)."""
        if loan.fate.is_due(at, self.period(loan.agency, "loan")):
            self._complain("wrong", "loan", loan.agency, loan.loan_id, f"{what} {at}, when it was due")

    def _wind_held(self, debt: Debt, at: datetime) -> None:
        # What leads from a debt to its loans goes when the debt is due; owed again, it holds none of them.
        by_patron = self.promises[debt.agency].debts_hold == "patron"
        if by_patron or not debt.fate.is_due(at, self.period(debt.agency, "debt")):
            super()._wind_held(debt, at)

    def _wind(self, loan: Loan, at: datetime) -> None:
        if self.promises[loan.agency].debts_hold == "loan":
            leading = self._debts_for[loan.loan_id]
            parted = [debt for debt in leading if debt.fate.is_due(at, self.period(debt.agency, "debt"))]
            for debt in parted:
                leading.remove(debt)
        super()._wind(loan, at)

    def may_forget(self, loan: Loan) -> bool:
        """Say whether no debt that is still remembered leads to this loan."""
        return not any(loan.loan_id in debt.loans for debt in self._debts_of.get(loan.patron_id, ()))

    def forget_loan(self, loan: Loan) -> None:
        """Forget a loan that is gone and was judged."""
        del self.loans[loan.loan_id]
        self._debts_for.pop(loan.loan_id, None)
        self._loans_of[loan.patron_id].remove(loan)
        self.holds.pop(("loan", loan.loan_id), None)

    def forget_debt(self, debt: Debt) -> None:
        """Forget a debt that is gone and was judged."""
        del self.debts[debt.debt_id]
        self._debts_of[debt.patron_id].remove(debt)
        for loan_id in debt.loans:
            if debt in self._debts_for.get(loan_id, ()):
                self._debts_for[loan_id].remove(debt)
        self.holds.pop(("debt", debt.debt_id), None)

    def tidy(self, patrons: Iterable[int]) -> None:
        """Forget the empty lists of `patrons`, and payments of debts that are all forgotten."""
        for patron_id in patrons:
            for kept in (self._loans_of, self._debts_of):
                if not kept.get(patron_id):
                    kept.pop(patron_id, None)
        self.payments = {
            order: payment
            for order, payment in self.payments.items()
            if not payment.shares.keys().isdisjoint(self.debts)
        }
