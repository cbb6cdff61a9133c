"""Which policy a record went by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from glem.agencies import Agencies
from glem.envelope import RecordClock

OUTCOME = {"erase": "erased", "redact": "redacted"}


@dataclass(frozen=True)
class PolicyVersion:
    """Answers for the policies in force."""

    agencies: Agencies

    def of(self, agency: str, record_class: str) -> tuple[int, timedelta]:
        """Return version and period; version 0 and no period for what goes at once."""
        policy = self.agencies[agency].retention.get(record_class) if agency in self.agencies else None
        return (policy.version, policy.period) if policy is not None else (0, timedelta())

    def is_due(self, agency: str, clock: RecordClock, now: datetime) -> bool:
        """Say whether the record of `clock` is past its period at `now`."""
        if clock.anchor is None or agency not in self.agencies:
            return False
        cutoff = self.agencies.cutoff(agency, clock.record_class, now)
        return cutoff is not None and clock.anchor <= cutoff
