"""What happened, act by act: in memory for the oracle, and as JSON Lines for whoever looks later. No names, no CPR numbers."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson


class History:
    """Acts that succeeded, oldest first, each with the instant at which the clock stood."""

    def __init__(self, file: Path) -> None:
        """Write to `file`, anew."""
        self._acts: list[dict[str, Any]] = []
        self._file = file.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._acts)

    def __len__(self) -> int:
        return len(self._acts)

    def note(self, act: str, at: datetime, agency: str, **fields: object) -> None:
        """Record an act; the oracle's `life.Life` names the fields of each."""
        noted = {"act": act, "at": at.isoformat(), "agency": agency, **fields}
        self._acts.append(noted)
        self._file.write(orjson.dumps(noted) + b"\n")
