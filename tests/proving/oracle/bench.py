"""Where a record, its line in the register and the table are compared; the same way for every class."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import datetime

from tests.proving.oracle.judgement import Finding, Judgement, Kind
from tests.proving.oracle.life import Life
from tests.proving.oracle.observation import Line, Observation
from tests.proving.oracle.records import Fate


class Bench:
    """The evidence at hand, and the judgement as it grows."""

    def __init__(self, life: Life, seen: Observation) -> None:
        """Judge `seen` by `life`."""
        self.life = life
        self.seen = seen
        self.judgement = Judgement()
        self.lines: dict[tuple[str, int], Line] = {}
        for line in seen.register:
            key = (line.record_class, line.record_id)
            if key in self.lines:
                self.find("wrong", line.agency, *key, "is in the register twice")
            self.lines[key] = line
        self._steps = sorted({*life.steps, seen.now})

    def find(self, kind: Kind, agency: str, record_class: str, record_id: int, what: str) -> None:
        """Add a finding."""
        self.judgement.findings.append(Finding(kind, agency, record_class, record_id, what))

    def line(self, record_class: str, record_id: int) -> Line | None:
        """Return the register's line about a record."""
        return self.lines.get((record_class, record_id))

    def gone_by(self, due: datetime, touched: datetime | None) -> datetime | None:
        """Return the first step of the clock at which what is due can be gone, after it was last touched; None when to come."""
        at = bisect_left(self._steps, due)
        if touched is not None:
            at = max(at, bisect_right(self._steps, touched))
        return self._steps[at] if at < len(self._steps) else None

    def judge(self, record_class: str, record_id: int, agency: str, fate: Fate, *, is_there: bool) -> bool:
        """Compare one record's fate with the register and the table; say whether it is rightly there.

        What an act ends must be gone by the same instant.
        """
        self.judgement.judged += 1
        line, due = self.line(record_class, record_id), fate.gone_at
        limit = None
        if due is not None:
            limit = due if fate.at_once else self.gone_by(due, fate.touched)
        where = (agency, record_class, record_id)
        if line is not None:
            self._judge_line(line, due, limit)
            if is_there:
                self.find("missed", *where, "is in the register as gone, and still in the table")
            return False
        if is_there:
            if limit is not None and limit <= self.seen.now:
                self.find("missed", *where, f"due {due:%Y-%m-%d %H:%M} and still in the table")
                return False
            return True
        if due is None or due > self.seen.now:
            self.find("early", *where, f"gone from the table, due {due or 'not yet'}")
        else:
            self.find("missed", *where, "gone without a line in the register")
        return False

    def _judge_line(self, line: Line, due: datetime | None, limit: datetime | None) -> None:
        where = (line.agency, line.record_class, line.record_id)
        if due is None:
            self.find("early", *where, f"gone {line.done_at:%Y-%m-%d %H:%M}, and not due")
        elif line.done_at < due:
            self.find("early", *where, f"gone {line.done_at:%Y-%m-%d %H:%M}, due only {due:%Y-%m-%d %H:%M}")
        else:
            self.judgement.delays.setdefault((line.agency, line.record_class), []).append(line.done_at - due)
            if limit is None or line.done_at > limit:
                self.find("missed", *where, f"due {due:%Y-%m-%d %H:%M}, gone only {line.done_at:%Y-%m-%d %H:%M}")

    def compare(
        self, record_class: str, record_id: int, agency: str, expected: Mapping[str, object], found: object
    ) -> None:
        """Find fields of a kept row that differ from the history."""
        for name, value in {**expected, "agency": agency}.items():
            if getattr(found, name) != value:
                self.find(
                    "wrong", agency, record_class, record_id, f"{name} is {getattr(found, name)}, should be {value}"
                )

    def strangers(self, record_class: str, agencies: Mapping[int, str], known: Mapping[int, object]) -> None:
        """Find rows of the table that are in no history."""
        for record_id in agencies.keys() - known.keys():
            self.find("wrong", agencies[record_id], record_class, record_id, "no history tells of it")
