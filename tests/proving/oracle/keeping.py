"""The plain rules of promises that change, and of legal holds.

A record is promised to be gone at its anchor plus the period in force when its period began. A later version can only bring
that forward, and not before it takes effect: nothing that is due comes back, and nothing that was promised becomes longer.

A hold keeps a record from going while it lasts. It does not make it seen again, and moves no anchor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.proving.oracle.records import Fate


@dataclass(frozen=True, slots=True)
class Version:
    """A period, and from when on it is the library's promise."""

    period: timedelta
    effective: datetime


def due_at(versions: Sequence[Version], anchor: datetime) -> datetime:
    """Return when a record must be gone; `versions` are at least one, oldest first, the first in force from the beginning."""
    begun = [version for version in versions if version.effective <= anchor]
    promised = begun[-1] if begun else versions[0]
    due = anchor + promised.period
    for version in versions[versions.index(promised) + 1 :]:
        due = min(due, max(version.effective, anchor + version.period))
    return due


@dataclass
class VersionedFate(Fate):
    """A fate under a policy whose versions may be added to (`versions` is shared by all records of an agency and class)."""

    versions: Sequence[Version] = ()

    def is_due(self, at: datetime, period: timedelta | None) -> bool:
        """Say whether the record had to be gone by `at`; `period` matters no more than that there is one."""
        if self.gone_at is None and self.anchor is not None and period is not None:
            due = due_at(self.versions, self.anchor)
            if due <= at:
                self.gone_at = due
        return self.gone_at is not None


@dataclass
class Hold:
    """A legal hold on one record: from `began` up to `ends`, which a release brings forward."""

    began: datetime
    ends: datetime

    def keeps(self, at: datetime) -> bool:
        """Say whether the record may not go at `at`."""
        return self.began <= at < self.ends
