"""Background tasks of a service: a pass at intervals, or at once when woken."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)


class BackgroundTask:
    """Runs `work` repeatedly. `work` reads the stored state, does what should be done now, and returns how much it did."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], *, every: float, timely: bool) -> None:
        """Run `work` each `every` seconds; `timely` work depends on the clock, and runs whenever a development clock travels."""
        self.name = name
        self.heartbeat = time.monotonic()
        self._work = work
        self.every = every
        self.timely = timely
        self._awake = asyncio.Event()
        self._lock = asyncio.Lock()

    def wake(self) -> None:
        """Begin the next pass at once."""
        self._awake.set()

    async def pass_once(self) -> int:
        """Run one pass now and return how much it did; raises what `work` raises."""
        async with self._lock:
            done = await self._work()
        self.heartbeat = time.monotonic()
        return done

    async def run(self) -> None:
        """Run passes until cancelled; a failed pass is logged, and the next begins as usual."""
        while True:
            self._awake.clear()
            try:
                done = await self.pass_once()
            except Exception as error:
                log.warning("pass_failed", task=self.name, kind=type(error).__name__, exc_info=True)
                done = 0
            if done:
                await asyncio.sleep(0)
                continue
            # Not wait_for: before Python 3.12 it loses a cancellation that arrives together with the wake.
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every):
                    await self._awake.wait()

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last pass that succeeded."""
        return time.monotonic() - self.heartbeat
