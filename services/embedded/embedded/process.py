"""A program as a process of its own, started, waited for and ended. Imports no service: the bench starts many of these."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from glem.clients import trusted

READY_SECONDS = 180.0


@dataclass
class Process:
    """A program of the suite that can be killed and started again on the same port and data."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    url: str
    ready_path: str
    log: Path
    _running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, *self.arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it answers that it is ready; raises RuntimeError when it dies or takes three minutes."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with httpx.AsyncClient(verify=trusted()) as client:
            while True:
                if self._running is None or self._running.poll() is not None:
                    message = f"{self.name} did not start; see {self.log}"
                    raise RuntimeError(message)
                try:
                    if (await client.get(self.url + self.ready_path)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                if asyncio.get_running_loop().time() > deadline:
                    message = f"{self.name} is not ready after {READY_SECONDS:.0f} s; see {self.log}"
                    raise RuntimeError(message)
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._running is None:
            return
        self._running.send_signal(how)
        try:
            self._running.wait(20)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running = None
