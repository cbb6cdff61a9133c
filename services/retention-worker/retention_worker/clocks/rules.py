"""Which of several clocks counts, and which cannot be true."""

from collections.abc import Iterable
from datetime import datetime

from glem_contracts.events.envelope import RecordClock
from glem_contracts.record_classes import RECORD_CLASSES


class ImpossibleClockError(ValueError):
    """A clock that cannot be true: an unknown class, or an anchor too far ahead (H60)."""


def newest(clocks: Iterable[tuple[str, RecordClock]]) -> list[tuple[str, RecordClock]]:
    """Return the highest version of each record, sorted by class and id, so that two batches lock in the same order."""
    best: dict[tuple[str, int], tuple[str, RecordClock]] = {}
    for agency, clock in clocks:
        key = (clock.record_class, clock.record_id)
        if key not in best or best[key][1].version < clock.version:
            best[key] = (agency, clock)
    return [best[key] for key in sorted(best)]


def check(clock: RecordClock, now: datetime) -> None:
    """Raise ImpossibleClockError for a clock that cannot be true; its record would be erased late, or never (H60)."""
    record_class = RECORD_CLASSES.get(clock.record_class)
    if record_class is None or not record_class.actions:
        text = "no such class with a clock"
        raise ImpossibleClockError(text)
    if clock.anchor is not None and clock.anchor > now + record_class.ahead:
        text = "anchor too far ahead"
        raise ImpossibleClockError(text)
