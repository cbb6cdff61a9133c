"""The rival pgqueuer: asyncpg, jobs enqueued and taken in batches, their log unlogged ("balanced").

Tried by hand: batches of 10 to 2,500 jobs, 4 to 20 connections, one process and two, its three durabilities but "volatile",
which may lose jobs.
"""

import os
import time
from datetime import timedelta

import asyncpg
import uvloop

from benchmarks.rivals.errand import DELETE, Errand, Times, leave_as_is

os.environ["PGQUEUER_DURABILITY"] = "balanced"

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

ENQUEUED_AT_ONCE, TAKEN_AT_ONCE = 10_000, 1000
CONNECTIONS = 10
AT_ONCE = timedelta()


async def run(errand: Errand) -> Times:
    """Schedule a job for each loan, and work until all are done."""
    ids = await errand.loan_ids()
    async with (
        asyncpg.create_pool(errand.database, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=leave_as_is) as pool,
        asyncpg.create_pool(errand.database, min_size=4, max_size=4, reset=leave_as_is) as own,
    ):
        queries = Queries(AsyncpgPoolDriver(own))
        await queries.install()
        manager = QueueManager(queries)

        @manager.entrypoint("erase")
        async def erase(job: Job) -> None:
            await pool.execute(DELETE, int(job.payload or 0))

        started = time.perf_counter()
        for at in range(0, len(ids), ENQUEUED_AT_ONCE):
            part: list[bytes | None] = [str(loan_id).encode() for loan_id in ids[at : at + ENQUEUED_AT_ONCE]]
            await queries.enqueue(["erase"] * len(part), part, [0] * len(part), [AT_ONCE] * len(part))
        scheduled = time.perf_counter() - started
        await own.execute("ANALYZE")
        started = time.perf_counter()
        await manager.run(batch_size=TAKEN_AT_ONCE, mode=QueueExecutionMode.drain, log_aggregation_interval=timedelta())
        return Times(scheduled, time.perf_counter() - started)


if __name__ == "__main__":
    uvloop.run(run(Errand.read())).tell()
