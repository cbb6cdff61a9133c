"""The rival procrastinate: psycopg, jobs deferred in batches, done ones deleted, without LISTEN.

Tried by hand: 1 to 32 workers, each with a connection of its own and 1 to 50 jobs at once; batches of 1,000 and 3,000; done
jobs kept and deleted; two and four processes.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime

import asyncpg
import procrastinate
import uvloop

from benchmarks.rivals.errand import DELETE, Errand, Times, leave_as_is

DEFERRED_AT_ONCE = 1000
WORKERS, JOBS_AT_ONCE = 12, 1


async def run(errand: Errand) -> Times:
    """Schedule a job for each loan, and work until all are done."""
    ids = await errand.loan_ids()
    connections = WORKERS * (JOBS_AT_ONCE + 1)
    connector = procrastinate.PsycopgConnector(conninfo=errand.database, min_size=connections, max_size=connections)
    app = procrastinate.App(connector=connector)
    async with (
        asyncpg.create_pool(errand.database, min_size=connections, max_size=connections, reset=leave_as_is) as pool,
        app.open_async(),
    ):
        await app.schema_manager.apply_schema_async()

        @app.task(name="erase")
        async def erase(loan_id: int) -> None:
            await pool.execute(DELETE, loan_id)

        started = time.perf_counter()
        due = erase.configure(schedule_at=datetime.now(UTC))
        for at in range(0, len(ids), DEFERRED_AT_ONCE):
            jobs: list[procrastinate.types.JSONDict] = [
                {"loan_id": loan_id} for loan_id in ids[at : at + DEFERRED_AT_ONCE]
            ]
            await due.batch_defer_async(*jobs)
        scheduled = time.perf_counter() - started
        await pool.execute("ANALYZE")
        started = time.perf_counter()
        await asyncio.gather(*(_work(app) for _ in range(WORKERS)))
        return Times(scheduled, time.perf_counter() - started)


async def _work(app: procrastinate.App) -> None:
    await app.run_worker_async(
        concurrency=JOBS_AT_ONCE, wait=False, listen_notify=False, delete_jobs="always", install_signal_handlers=False
    )


if __name__ == "__main__":
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    uvloop.run(run(Errand.read())).write()
