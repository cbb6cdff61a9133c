"""Which version of a policy a record was erased by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from glem_contracts.events.envelope import RecordClock
from glem_retention.agencies import Agencies
from glem_retention.policies import PolicyTerms

OUTCOME = {"erase": "erased", "redact": "redacted"}


@dataclass(frozen=True)
class DuePolicy:
    """Finds the versions of policies by time."""

    agencies: Agencies

    def of(self, agency: str, record_class: str, at: datetime) -> tuple[int, Sequence[PolicyTerms]]:
        """Return the version in force at `at`, and all versions; version 0 and no versions for a class without a policy (H76)."""
        policy = self.agencies.in_force(agency, record_class, at)
        return (0 if policy is None else policy.version, self.agencies.terms(agency, record_class))

    def any_due(self, clocks: Iterable[tuple[str, RecordClock]], now: datetime) -> bool:
        """Say whether a record of these clocks, each with its agency, is past its period at `now`."""
        oldest: dict[tuple[str, str], datetime] = {}
        for agency, clock in clocks:
            scope = (agency, clock.record_class)
            if clock.anchor is not None and (scope not in oldest or clock.anchor < oldest[scope]):
                oldest[scope] = clock.anchor
        return any(self._is_due(agency, record_class, anchor, now) for (agency, record_class), anchor in oldest.items())

    def _is_due(self, agency: str, record_class: str, anchor: datetime, now: datetime) -> bool:
        cutoff = self.agencies.cutoff(agency, record_class, now) if agency in self.agencies else None
        return cutoff is not None and anchor <= cutoff
