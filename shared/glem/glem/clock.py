"""Time as the services see it: the system's, or one that a developer can move forward.

All times are aware and in UTC; a day is exactly 24 hours. Local (Danish) days matter only where a rule names a date.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import time_ns
from typing import Protocol
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


class Clock(Protocol):
    """The time of a suite; `offset` is how far it is ahead of the system's clock."""

    def shown_at(self, moment: datetime) -> datetime:
        """Return what this clock shows when the system's shows `moment`, in UTC."""

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the system's; zero in production."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""


class SystemClock:
    """The machine's own clock."""

    offset = timedelta()

    def shown_at(self, moment: datetime) -> datetime:
        """Return `moment`."""
        return moment

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)


class TravellingClock:
    """A clock that can be moved forward, never back; its offset is in a file that all processes of a suite share.

    A frozen clock stands still between travels, so that a test can name its instants exactly.
    """

    def __init__(self, path: Path) -> None:
        """Use the offset in `path`; a missing file means an offset of zero."""
        self._path = path
        self._stamp = -1
        self._offset = timedelta()
        self._frozen: datetime | None = None

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the system's."""
        self._refresh()
        return self._offset if self._frozen is None else self._frozen - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present moment of the travelled time, in UTC."""
        return self.shown_at(datetime.now(UTC))

    def shown_at(self, moment: datetime) -> datetime:
        """Return the travelled time when the system's clock shows `moment`; a frozen clock shows one time only."""
        self._refresh()
        return self._frozen if self._frozen is not None else moment + self._offset

    def travel(self, by: timedelta) -> datetime:
        """Move forward by `by` and return the new time; raises ValueError for a step back."""
        if by < timedelta():
            message = "The clock travels forward only."
            raise ValueError(message)
        with self._alone():
            now = self.now() + by
            self._write(now if self._frozen is not None else None, self._offset + by)
        return now

    def freeze(self, at: datetime) -> None:
        """Stand still at `at` until the next travel; raises ValueError for a time that has passed."""
        with self._alone():
            if at < self.now() - timedelta(seconds=1):
                message = "The clock travels forward only."
                raise ValueError(message)
            self._write(at, at - datetime.now(UTC))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the file against other processes, or one of two moves would be lost."""
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, frozen: datetime | None, offset: timedelta) -> None:
        state = {"offset": offset.total_seconds(), "frozen": frozen.isoformat() if frozen else None}
        scratch = self._path.with_suffix(".new")
        scratch.write_text(json.dumps(state))
        # The file system may give two writes within some milliseconds the same time stamp.
        stamp = max(time_ns(), self._stamp + 1)
        os.utime(scratch, ns=(stamp, stamp))
        scratch.replace(self._path)
        self._refresh()

    def _refresh(self) -> None:
        try:
            stamp = os.stat(self._path).st_mtime_ns  # noqa: PTH116  a Path's stat costs twice as much, and this runs at every request
        except FileNotFoundError:
            return
        if stamp != self._stamp:
            state = json.loads(self._path.read_text())
            self._offset = timedelta(seconds=state["offset"])
            self._frozen = datetime.fromisoformat(state["frozen"]) if state["frozen"] else None
            self._stamp = stamp


def local_date(moment: datetime) -> date:
    """Return the Danish calendar day in which `moment` falls."""
    return moment.astimezone(COPENHAGEN).date()


def end_of_local_day(day: date) -> datetime:
    """Return the instant at which the Danish day `day` ends, in UTC; summer time counts."""
    return datetime.combine(day + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC)
