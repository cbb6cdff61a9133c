"""Which policy a record went by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from glem.agencies import Agencies
from glem.events.envelope import RecordClock
from glem.retention.policies import PolicyTerms

OUTCOME = {"erase": "erased", "redact": "redacted"}


@dataclass(frozen=True)
class PolicyVersion:
    """Answers for the policies in force."""

    agencies: Agencies

    def of(self, agency: str, record_class: str, at: datetime) -> tuple[int, Sequence[PolicyTerms]]:
        """Return the version in force at `at`, and all versions; version 0 and no versions for what goes at once (H76)."""
        policy = self.agencies.in_force(agency, record_class, at)
        return (0 if policy is None else policy.version, self.agencies.terms(agency, record_class))

    def is_due(self, agency: str, clock: RecordClock, now: datetime) -> bool:
        """Say whether the record of `clock` is past its period at `now`."""
        if clock.anchor is None or agency not in self.agencies:
            return False
        cutoff = self.agencies.cutoff(agency, clock.record_class, now)
        return cutoff is not None and clock.anchor <= cutoff
