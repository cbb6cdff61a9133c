"""What is to be done when, and the record of what was done."""

import asyncio
import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.proving.oracle.repeated_judge import RepeatedJudge
from tests.proving.simulation.stage import Stage

Deed = Callable[[], Awaitable[None]]
AT_ONCE = 6
GRID = timedelta(hours=2)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
ACTS_KEPT = 200_000


class Agenda:
    """Deeds by time. Those of one key at one instant are done in order, those of different keys beside each other."""

    def __init__(self, stage: Stage, judge: RepeatedJudge) -> None:
        """Play on `stage`, and record every act for `judge`."""
        self.stage = stage
        self.judge = judge
        self.counts: Counter[str] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=ACTS_KEPT)
        self._heap: list[tuple[datetime, int, object, Deed]] = []
        self._number = 0
        self._slots = asyncio.Semaphore(AT_ONCE)

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, when: datetime, key: object, deed: Deed, *, exactly: bool = False) -> None:
        """Have `deed` done at `when`, or, unless `exactly` then, at the next point of the grid."""
        self._number += 1
        if not exactly:
            when = when + (EPOCH - when) % GRID
        heapq.heappush(self._heap, (when, self._number, key, deed))

    def next_time(self) -> datetime | None:
        """Return when the next deed is to be done."""
        return self._heap[0][0] if self._heap else None

    async def do(self, until: datetime) -> int:
        """Do all that is to be done up to `until`, also what comes up meanwhile; return how much that was."""
        done = 0
        while self._heap and self._heap[0][0] <= until:
            by_key: defaultdict[object, list[Deed]] = defaultdict(list)
            while self._heap and self._heap[0][0] <= until:
                _, _, key, deed = heapq.heappop(self._heap)
                by_key[key].append(deed)
            done += sum(map(len, by_key.values()))
            await asyncio.gather(*(self._in_order(deeds) for deeds in by_key.values()))
        return done

    async def _in_order(self, deeds: list[Deed]) -> None:
        async with self._slots:
            for deed in deeds:
                await deed()

    def record(self, act: str, agency: str, **fields: object) -> None:
        """Record for the oracle an act that succeeded now."""
        fact = {"act": act, "at": self.stage.now.isoformat(), "agency": agency, **fields}
        self.counts[act] += 1
        self.recent.append(fact)
        self.judge.life.read((fact,))
