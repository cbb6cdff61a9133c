"""How far the demo is: a line that moves on a terminal, a plain one now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

PLAIN_DAYS = 20


class Progress:
    """Shows days lived, loans made, records erased, mails sent."""

    def __init__(self, console: Console, days: int) -> None:
        """Show on `console`; the demo lives `days`."""
        self._console = console
        self._days = days
        self._began = time.monotonic()
        self._said = 0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        self._bar = Bar(*columns, TimeElapsedColumn(), console=console) if console.is_terminal else None
        self._task = self._bar.add_task("days lived", total=days, figures="") if self._bar is not None else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Say what begins now."""
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {text}", highlight=False)

    def show(self, day: int, loans: int, erased: int, mails: int) -> None:
        """Show the figures of a day."""
        figures = f"{loans:,} loans · {erased:,} erased · {mails:,} mails"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=day, figures=figures)
        elif day >= self._said + PLAIN_DAYS:
            self._said = day
            self.say(f"{day} of {self._days} days lived: {figures}")
