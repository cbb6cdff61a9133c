"""The rival pgqueuer: asyncpg, jobs enqueued and taken in batches, two processes, the log of its jobs unlogged ("balanced").

Tried by hand: batches of 10 to 5,000 jobs, 4 to 20 connections, one process and two, its durabilities except "volatile",
which may lose jobs. The second process made it about a fifth faster.
"""

import asyncio
import multiprocessing
import os
import time
from datetime import timedelta
from multiprocessing.synchronize import Barrier

import asyncpg
import uvloop

from benchmarks.rivals.errand import DELETE, Errand, Times, leave_as_is

os.environ["PGQUEUER_DURABILITY"] = "balanced"

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

ENQUEUED_AT_ONCE, TAKEN_AT_ONCE = 10_000, 500
PROCESSES, CONNECTIONS = 2, 10
AT_ONCE = timedelta()


async def run(errand: Errand) -> Times:
    """Schedule a job for each loan, and run the workers until all are done."""
    ids = await errand.loan_ids()
    async with _pool(errand, 4) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        started = time.perf_counter()
        for at in range(0, len(ids), ENQUEUED_AT_ONCE):
            part: list[bytes | None] = [str(loan_id).encode() for loan_id in ids[at : at + ENQUEUED_AT_ONCE]]
            await queries.enqueue(["erase"] * len(part), part, [0] * len(part), [AT_ONCE] * len(part))
        scheduled = time.perf_counter() - started
        await pool.execute("ANALYZE")
    return Times(scheduled, await asyncio.to_thread(_execute, errand))


def _execute(errand: Errand) -> float:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    workers = [context.Process(target=work, args=(errand, ready), daemon=True) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    ready.wait(60)
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def work(errand: Errand, ready: Barrier) -> None:
    """Do jobs until none is left, in a process of its own."""
    uvloop.run(_work(errand, ready))


async def _work(errand: Errand, ready: Barrier) -> None:
    async with _pool(errand, CONNECTIONS) as pool, _pool(errand, 4) as own:
        manager = QueueManager(Queries(AsyncpgPoolDriver(own)))

        @manager.entrypoint("erase")
        async def erase(job: Job) -> None:
            await pool.execute(DELETE, int(job.payload or 0))

        await asyncio.to_thread(ready.wait, 60)
        await manager.run(batch_size=TAKEN_AT_ONCE, mode=QueueExecutionMode.drain, log_aggregation_interval=timedelta())


def _pool(errand: Errand, size: int) -> asyncpg.Pool:
    return asyncpg.create_pool(errand.database, min_size=size, max_size=size, reset=leave_as_is)


if __name__ == "__main__":
    uvloop.run(run(Errand.read())).write()
