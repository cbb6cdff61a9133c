"""Judging again and again while a history goes on: each time all that is there, and what the register has more.

A record that is gone, registered and judged is forgotten; should its row come back, it is a stranger, and found as one.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from tests.proving.oracle import circulation
from tests.proving.oracle.bench import Bench
from tests.proving.oracle.judgement import Finding, Judgement
from tests.proving.oracle.keeping import Hold
from tests.proving.oracle.longlife import LongLife
from tests.proving.oracle.observation import Line, Observation
from tests.proving.oracle.promises import Promises
from tests.proving.oracle.records import Fate
from tests.proving.oracle.remembering import Work

Record = tuple[str, int]


class HeldBench(Bench):
    """A bench that knows of legal holds."""

    def __init__(self, life: LongLife, seen: Observation) -> None:
        """Judge `seen` by `life`."""
        super().__init__(life, seen)
        self._holds = life.holds

    def judge(self, record_class: str, record_id: int, agency: str, fate: Fate, *, is_there: bool) -> bool:
        """Compare one record's fate with the register and the table; a hold puts off when it must be gone."""
        holds = self._holds.get((record_class, record_id))
        if not holds:
            return super().judge(record_class, record_id, agency, fate, is_there=is_there)
        where, line = (agency, record_class, record_id), self.line(record_class, record_id)
        if line is not None and any(hold.keeps(line.done_at) for hold in holds):
            self.find("wrong", *where, f"gone {line.done_at:%Y-%m-%d %H:%M}, though it was held")
        if fate.gone_at is None or fate.gone_at > self.seen.now:
            return super().judge(record_class, record_id, agency, fate, is_there=is_there)
        if line is None and is_there and self._limit(fate, holds) is None:
            self.judgement.judged += 1
            return True
        put_off = Fate(fate.anchor, fate.touched, self._free(fate, holds))
        if line is not None and line.done_at >= fate.gone_at and put_off.gone_at and line.done_at < put_off.gone_at:
            # It went between two holds, in time: what came later found nothing to keep.
            put_off.gone_at = fate.gone_at
        return super().judge(record_class, record_id, agency, put_off, is_there=is_there)

    def _free(self, fate: Fate, holds: Sequence[Hold]) -> datetime:
        """Return from when on nothing kept the record any more that was due."""
        free = fate.gone_at or self.seen.now
        for hold in sorted(holds, key=lambda hold: hold.began):
            limit = self.gone_by(free, fate.touched)
            if hold.ends > free and (limit is None or hold.began <= limit):
                free = hold.ends
        return free

    def _limit(self, fate: Fate, holds: Sequence[Hold]) -> datetime | None:
        return self.gone_by(self._free(fate, holds), fate.touched)


class RepeatedJudge:
    """An oracle that looks now and then. `findings` are all so far; `judged` counts the records that it has finished with."""

    def __init__(self, promises: Mapping[str, Promises]) -> None:
        """Begin with no history."""
        self.life = LongLife(promises)
        self.findings: list[Finding] = []
        self.finished = 0
        self.sightings = 0
        self.lines = 0
        self._lines: dict[Record, Line] = {}

    def look(self, seen: Observation, works: Mapping[str, Mapping[Work, date]]) -> Judgement:
        """Judge what is there now; `seen.register` holds the lines that are new since the last look.

        `works`: by agency, what is remembered for homebound patrons.
        """
        news = seen.register
        for line in seen.register:
            key = (line.record_class, line.record_id)
            if key in self._lines:
                self.findings.append(Finding("wrong", line.agency, *key, "is in the register twice"))
            self._lines[key] = line
        self.lines += len(seen.register)
        self._look_for_unknown(seen)
        seen.register = list(self._lines.values())
        self.life.conclude(seen.now)
        self._remember(news)
        bench = HeldBench(self.life, seen)
        circulation.judge_loans(bench)
        circulation.judge_debts(bench)
        judgement = bench.judgement
        judgement.findings += self.life.complaints
        for agency, remembering in self.life.remembering.items():
            judgement.findings += remembering.judge(works.get(agency, {}), seen.now, self.life.steps)
        self.life.complaints = []
        self.findings += judgement.findings
        self.sightings += judgement.judged
        self._forget(seen)
        return judgement

    def _remember(self, news: Sequence[Line]) -> None:
        for line in news:
            loan = self.life.loans.get(line.record_id) if line.record_class == "loan" else None
            if loan is not None and loan.agency in self.life.remembering and loan.fate.gone_at is not None:
                remembering = self.life.remembering[loan.agency]
                remembering.loan_went(loan.patron_id, loan.work_id, loan.fate.gone_at, line.done_at)

    def _look_for_unknown(self, seen: Observation) -> None:
        """Find lines about records that are in no history, or were finished before."""
        known: dict[str, Mapping[int, object]] = {
            "loan": self.life.loans,
            "debt": self.life.debts,
            "debt-amount": self.life.debts,
        }
        for line in seen.register:
            if line.record_id not in known.get(line.record_class, {line.record_id: None}):
                what = "is in the register, and no history tells of it"
                self.findings.append(Finding("wrong", line.agency, line.record_class, line.record_id, what))

    def _forget(self, seen: Observation) -> None:
        patrons: set[int] = set()
        for debt in list(self.life.debts.values()):
            last = "debt-amount" if self.life.promises[debt.agency].keeps_amounts else "debt"
            if debt.debt_id not in seen.debts and self._lines.pop((last, debt.debt_id), None) is not None:
                self._lines.pop(("debt", debt.debt_id), None)
                self.life.forget_debt(debt)
                patrons.add(debt.patron_id)
        for loan in list(self.life.loans.values()):
            key = ("loan", loan.loan_id)
            if loan.loan_id not in seen.loans and key in self._lines and self.life.may_forget(loan):
                del self._lines[key]
                self.life.forget_loan(loan)
                patrons.add(loan.patron_id)
                self.finished += 1
        self.life.tidy(patrons)
