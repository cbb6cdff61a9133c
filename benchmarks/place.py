"""Where a bench runs: a temporary folder, a PostgreSQL of its own, and a broker once one is asked for."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from glem.ids import new_id
from glem_local.apache_kafka import DEFAULT_CACHE
from glem_local.broker import Broker, find_broker
from glem_local.postgres import PostgresServer, temporary_postgres
from glem_local.postgres_programs import remove_below

AGENCIES = Path(__file__).parents[1] / "deploy" / "agencies"


@dataclass
class Place:
    """One run of the bench. `share` below 1 makes every measurement smaller, for the smoke test; its figures mean nothing."""

    home: Path
    postgres: PostgresServer
    rounds: int
    share: float = 1.0
    _broker: Broker | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def sized(self, count: int, least: int = 1) -> int:
        """Return `count` reduced by this run's share."""
        return max(least, int(count * self.share))

    def seconds(self, seconds: float) -> float:
        """Return `seconds` of measuring reduced by this run's share."""
        return max(0.3, seconds * self.share)

    async def broker(self) -> Broker:
        """Return the broker; start it if it is the first use."""
        async with self._lock:
            if self._broker is None:
                self._broker = await find_broker(DEFAULT_CACHE)
            return self._broker

    async def database(self, name: str) -> str:
        """Create a new database and return its address."""
        unique = f"bench_{name}_{new_id()}"
        await self.postgres.create_database(unique)
        return self.postgres.url(unique)


@asynccontextmanager
async def place(rounds: int, share: float = 1.0) -> AsyncIterator[Place]:
    """Yield a place, and remove it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="glem-bench-"))
    try:
        async with temporary_postgres() as postgres:
            here = Place(home, postgres, rounds, share)
            try:
                yield here
            finally:
                if here._broker is not None:
                    await here._broker.stop()
    finally:
        await asyncio.to_thread(remove_below, home)
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def quiet_environment() -> dict[str, str]:
    """Return the environment of a process of the bench, without Glem's settings."""
    return {name: "" for name in os.environ if name.startswith("GLEM_")}
