"""100,000 timed erasures scheduled and executed, against job libraries on the same PostgreSQL.

Glem schedules by events: written to the outbox of loan-api as a return does, relayed, and stored as clocks by the worker's
consumer. It executes by the sweep: an order, loan-api's disposal, its event, the register and the log. A rival enqueues a
job for each loan, due at once, and each job deletes one row from a table with the same rows and indexes.
"""

import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import structlog
import uvloop

from benchmarks import stock
from benchmarks.flood import OPTIONS, Bench
from benchmarks.place import AGENCIES, Place
from benchmarks.processes import run_module
from benchmarks.table import Row
from embedded.suite import Suite
from glem.migrations import upgrade
from glem_contracts.events import LoanReturned
from glem_contracts.events.envelope import RecordClock
from loan_api.base import MIGRATIONS, metadata

COUNT = 100_000
# A rival that would take minutes for as many gets fewer, which favours it: its tables stay small.
RIVALS = {"pgqueuer": COUNT, "procrastinate": 10_000, "apscheduler": 5_000}
RETURNS_AT_ONCE = 1000


@dataclass(frozen=True)
class Task:
    """How many erasures Glem has to do, and how many each rival."""

    home: str
    count: int
    rivals: dict[str, int]


@dataclass(frozen=True)
class Speed:
    """Erasures scheduled in a second, and executed."""

    scheduled: float
    executed: float


async def measure(place: Place) -> list[Row]:
    """Return the rows of this measurement, one for each rival."""
    rivals = {name: place.sized(count, 50) for name, count in RIVALS.items()}
    task = Task(str(place.home / "timed"), place.sized(COUNT, 100), rivals)
    found = await run_module("benchmarks.timed", asdict(task))
    ours = Speed(*found.pop("glem"))
    return [_row(task, ours, name, Speed(*figures)) for name, figures in found.items()]


def _row(task: Task, ours: Speed, name: str, rival: Speed) -> Row:
    fewer = "" if task.rivals[name] == task.count else f", {task.rivals[name]:,} jobs"
    return Row(
        f"{task.count:,} timed erasures, each scheduled, then executed (once)",
        f"{ours.scheduled:,.0f} scheduled/s, {ours.executed:,.0f} executed/s",
        f"{rival.scheduled:,.0f} scheduled/s, {rival.executed:,.0f} executed/s ({name}{fewer})",
        f"{ours.scheduled / rival.scheduled:.2f} scheduled, {ours.executed / rival.executed:.2f} executed",
    )


async def run(task: Task) -> dict[str, Sequence[float]]:
    """Open a suite, have it erase, then each rival on the same PostgreSQL."""
    suite = await Suite.open(Path(task.home), AGENCIES, OPTIONS)
    try:
        async with suite.running():
            found: dict[str, Sequence[float]] = {"glem": await _through_glem(suite, task.count)}
        for name, count in task.rivals.items():
            times = await _through(suite, name, count)
            found[name] = [count / times["scheduled"], count / times["executed"]]
    finally:
        await suite.close()
    return found


async def _through_glem(suite: Suite, count: int) -> Sequence[float]:
    bench = Bench(suite)
    await bench.fill(count, timedelta(hours=1), timedelta(microseconds=1), stock.LOANS)
    loans = await suite.runtimes["loan-api"].database.fetch(
        "SELECT loan_id, agency, patron_id, branch, returned_at, anchor, clock_version FROM loan ORDER BY anchor"
    )
    started = time.perf_counter()
    await _tell_of_returns(suite, loans)
    took = time.perf_counter() - started
    [clocks] = await stock.count(suite.runtimes["retention-worker"].database, ["clock"])
    if clocks != count:
        message = f"{clocks} clocks of {count} returns"
        raise RuntimeError(message)
    return [count / took, count / await bench.erase()]


async def _tell_of_returns(suite: Suite, loans: Sequence[asyncpg.Record]) -> None:
    runtime = suite.runtimes["loan-api"]
    for at in range(0, len(loans), RETURNS_AT_ONCE):
        async with runtime.database.transaction() as tx:
            for loan_id, agency, patron_id, branch, returned_at, anchor, version in loans[at : at + RETURNS_AT_ONCE]:
                clock = RecordClock(record_class="loan", record_id=loan_id, version=version, anchor=anchor)
                data = LoanReturned(
                    patron_id=patron_id, branch=branch, returned_at=returned_at, late=False, clocks=[clock]
                )
                tx.record(agency, loan_id, data)
    await runtime.relay.drained()


async def _through(suite: Suite, rival: str, count: int) -> dict[str, float]:
    await suite.postgres.create_database(rival)
    url = suite.postgres.url(rival)
    await upgrade(url, MIGRATIONS, metadata)
    connection = await asyncpg.connect(url)
    try:
        now = await connection.fetchval("SELECT now()")
        delivery = stock.Delivery(count, now, -timedelta(hours=1), timedelta(microseconds=1), 0)
        await stock.fill(connection, suite.agencies, delivery, stock.LOANS)
        times = await run_module(f"benchmarks.rivals.{rival}", {"database": url})
        if left := await connection.fetchval("SELECT count(*) FROM loan"):
            message = f"{rival} left {left} of {count} loans"
            raise RuntimeError(message)
    finally:
        await connection.close()
    return times


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    print(json.dumps(uvloop.run(run(Task(**json.load(sys.stdin))))))
