"""The plain rule of homebound patrons: while a consent lasts, of a loan that goes its work stays, with the month and no more (R43, R44)."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tests.proving.oracle.judgement import Finding

Work = tuple[int, str]
"""A patron and a work."""


@dataclass
class Consent:
    """From when to when a patron consented; `until` is null while they do."""

    since: datetime
    until: datetime | None = None


class Remembering:
    """What the lists of one library must hold."""

    def __init__(self, agency: str, period: timedelta) -> None:
        """Keep works for `period` from the beginning of the month in which they entered."""
        self._agency = agency
        self._period = period
        self._consents: defaultdict[int, list[Consent]] = defaultdict(list)
        self._months: dict[Work, date] = {}
        self.entered = 0

    def consent(self, patron_id: int, at: datetime) -> None:
        """The patron consents."""
        self._consents[patron_id].append(Consent(at))

    def withdraw(self, patron_id: int, at: datetime) -> None:
        """The consent ends, and takes the list with it."""
        self._consents[patron_id][-1].until = at

    def loan_went(self, patron_id: int, work_id: str, due: datetime, gone: datetime) -> None:
        """Enter the work, if the patron consented before the loan was due, and still did as it went."""
        for consent in self._consents[patron_id]:
            if consent.since <= due and consent.since <= gone and (consent.until is None or gone < consent.until):
                if consent.until is None:
                    month = gone.astimezone(UTC).date().replace(day=1)
                    self._months[patron_id, work_id] = max(month, self._months.get((patron_id, work_id), month))
                self.entered += 1

    def judge(self, found: Mapping[Work, date], now: datetime, steps: Collection[datetime]) -> list[Finding]:
        """Compare the lists with what was found."""
        for patron_id, consents in self._consents.items():
            if consents and consents[-1].until is not None:
                for work in [work for work in self._months if work[0] == patron_id]:
                    del self._months[work]
        last = max(steps, default=now)
        findings = []
        for work, month in self._months.items():
            due = datetime.combine(month, time(), UTC) + self._period
            if work not in found and due > now:
                findings.append(self._finding("early", work, f"forgotten, due only {due}"))
            elif work in found and due <= last:
                findings.append(self._finding("missed", work, f"remembered, due {due}"))
            elif work in found and found[work] != month:
                findings.append(self._finding("wrong", work, f"remembered with {found[work]}, should be {month}"))
        findings += [
            self._finding("wrong", work, "remembered without a consent") for work in found.keys() - self._months.keys()
        ]
        self._months = {
            work: month
            for work, month in self._months.items()
            if work in found or datetime.combine(month, time(), UTC) + self._period > now
        }
        return findings

    def _finding(self, kind: str, work: Work, what: str) -> Finding:
        return Finding(kind, self._agency, "homebound-work", work[0], f"{work[1]}: {what}")  # type: ignore[arg-type]
