"""The rival APScheduler 3: its SQLAlchemy store on psycopg, a pool of threads, no grace time after which it would skip a job.

Tried by hand: 1, 4 and 10 threads. It has no way to add or take several jobs in one transaction.
"""

import asyncio
import time
from datetime import UTC, datetime

import psycopg
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine

from benchmarks.rivals.errand import LEFT, Errand, Times

THREADS = 1
LOOK_SECONDS = 0.02
POOLS: list[ConnectionPool] = []


def erase(loan_id: int) -> None:
    """Carry out one job; the store keeps it by its name, so it is a function of the module."""
    with POOLS[0].connection() as connection:
        connection.execute("DELETE FROM loan WHERE loan_id = %s", (loan_id,))


def run(errand: Errand) -> Times:
    """Schedule a job for each loan, and work until all are done."""
    ids = asyncio.run(errand.loan_ids())
    with ConnectionPool(errand.database, min_size=THREADS, max_size=THREADS, kwargs={"autocommit": True}) as pool:
        POOLS.append(pool)
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(errand.database))
        scheduler = BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(engine=engine)},
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"misfire_grace_time": None},
            timezone=UTC,
        )
        scheduler.start(paused=True)
        started = time.perf_counter()
        now = datetime.now(UTC)
        for loan_id in ids:
            scheduler.add_job(f"{__name__}:erase", "date", run_date=now, args=[loan_id])
        scheduled = time.perf_counter() - started
        started = time.perf_counter()
        scheduler.resume()
        with psycopg.connect(errand.database, autocommit=True) as look:
            while (look.execute(LEFT).fetchone() or (True,))[0]:
                time.sleep(LOOK_SECONDS)
        executed = time.perf_counter() - started
        scheduler.shutdown()
    return Times(scheduled, executed)


if __name__ == "__main__":
    run(Errand.read()).write()
