"""The task and the answer of every rival: a database with loans, each to be erased by one job."""

import json
import sys
from dataclasses import asdict, dataclass

import asyncpg

DELETE = "DELETE FROM loan WHERE loan_id = $1"
LEFT = "SELECT EXISTS (SELECT FROM loan)"


@dataclass(frozen=True)
class Errand:
    """`database` holds the loans; the rival adds its own tables."""

    database: str

    @classmethod
    def read(cls) -> "Errand":
        """Read it from standard input."""
        return cls(**json.load(sys.stdin))

    async def loan_ids(self) -> list[int]:
        """Return the loans, in the order in which they fall due."""
        connection = await asyncpg.connect(self.database)
        try:
            rows = await connection.fetch("SELECT loan_id FROM loan ORDER BY anchor")
        finally:
            await connection.close()
        return [row["loan_id"] for row in rows]


@dataclass(frozen=True)
class Times:
    """Seconds to schedule all jobs, and from then until the last row was deleted."""

    scheduled: float
    executed: float

    def write(self) -> None:
        """Write it to standard output."""
        print(json.dumps(asdict(self)))


async def leave_as_is(_: asyncpg.Connection) -> None:
    """Do not reset a connection that returns to the pool; Glem's own pool does not either."""
