"""What the oracle says."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Kind = Literal["early", "missed", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as promised. `early`: gone before it was due. `missed`: not gone, or not registered, when it was.

    `wrong`: a bystander was touched, or something was left of what went.
    """

    kind: Kind
    agency: str
    record_class: str
    record_id: int
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.agency} {self.record_class} {self.record_id}: {self.what}"


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after their due time the records of one agency and class went, in travelled time."""

    records: int
    median: timedelta
    longest: timedelta


@dataclass
class Judgement:
    """All findings, how many records were looked at, and how late what went was."""

    findings: list[Finding] = field(default_factory=list)
    judged: int = 0
    delays: dict[tuple[str, str], list[timedelta]] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> list[Finding]:
        """Return the findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]

    @property
    def is_clean(self) -> bool:
        """Say whether everything is as promised."""
        return not self.findings

    def gone_late(self, agency: str, record_class: str | None = None) -> Lateness:
        """Return how late one agency's records went, of one class or of all."""
        delays = sorted(
            delay
            for (owner, of_class), found in self.delays.items()
            if owner == agency and record_class in {None, of_class}
            for delay in found
        )
        if not delays:
            return Lateness(0, timedelta(), timedelta())
        return Lateness(len(delays), delays[len(delays) // 2], delays[-1])
