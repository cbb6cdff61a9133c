"""What an absence period may be, and from when its retention runs."""

from dataclasses import dataclass
from datetime import date, datetime

from glem.clock import end_of_local_day
from glem.problems import ProblemType, Refusal

BACKWARDS = ProblemType(
    "absence-backwards", 422, "Fraværsperioden slutter, før den begynder.", "The absence ends before it begins."
)
ABSENCE_OVER = ProblemType("absence-over", 422, "Fraværsperioden er allerede forbi.", "The absence is already over.")


@dataclass(frozen=True, slots=True)
class Period:
    """Danish days, both inclusive; None leaves that end open."""

    from_day: date | None
    until_day: date | None

    @property
    def is_empty(self) -> bool:
        """Say whether no day is named: that clears an absence."""
        return self.from_day is None and self.until_day is None

    @property
    def anchor(self) -> datetime | None:
        """The end of the last day, from which the retention period runs (R13); None while the end is open."""
        return None if self.until_day is None else end_of_local_day(self.until_day)


def acceptable(period: Period, today: date) -> Refusal | None:
    """Refuse a period that ends before it begins, or before today."""
    if period.until_day is None:
        return None
    if period.from_day is not None and period.until_day < period.from_day:
        return BACKWARDS()
    return ABSENCE_OVER() if period.until_day < today else None
