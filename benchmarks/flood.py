"""The whole suite in a process of its own, with loans that fall due: all at once, or one after the other in real time.

Reads what to do as JSON from standard input, and writes what came of it to standard output.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil
import structlog
import uvloop

from benchmarks.place import AGENCIES
from embedded.suite import Suite

BATCH = 1000
LIMIT_SECONDS = 400
# Nothing is sent; and the breaker, which asks a person before it lets such a flood go, is not asked.
OPTIONS = {
    "smtp_host": "127.0.0.1",
    "smtp_port": 9,
    "smtp_tls": "none",
    "sms_url": "http://127.0.0.1:9/messages",
    "breaker_floor": 100_000_000,
}
FILL_LOANS = """
INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, returned_at, reminders,
    anchor, clock_version)
SELECT ($1::bigint << 32) + n, $2, 1 + n % 5000, n, 'w' || n % 10000, $2, at - interval '20 days', at::date, 0, at, 0, at, 1
FROM (SELECT n, $4::timestamptz + n * $5::interval AS at FROM generate_series(1, $3::int) n) made
"""
FILL_CLOCKS = """
INSERT INTO clock (record_class, record_id, agency, version, anchor, tries)
SELECT 'loan', ($1::bigint << 32) + n, $2, 1, $4::timestamptz + n * $5::interval, 0 FROM generate_series(1, $3::int) n
"""


@dataclass
class Task:
    """`floods`: how many loans fall due at once, one flood after the other. Then `drips`, over `drip_seconds`."""

    home: str
    floods: list[int]
    drips: int
    drip_seconds: float


@dataclass
class Flood:
    """Records/s of the whole path, and of plain batched DELETEs of the same rows."""

    records: int
    per_second: float
    delete_per_second: float


@dataclass
class Outcome:
    """What came of a task. Memory in MiB; lags in seconds."""

    floods: list[Flood] = field(default_factory=list)
    p50: float = 0.0
    p999: float = 0.0
    idle: float = 0.0
    peak: float = 0.0
    idle_postgres: float = 0.0
    peak_postgres: float = 0.0


async def flood(task: Task) -> Outcome:
    """Run `task` beside this process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.flood",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    output, _ = await process.communicate(json.dumps(asdict(task)).encode())
    if process.returncode:
        message = "the suite's process failed; it says why above"
        raise RuntimeError(message)
    found = json.loads(output)
    return Outcome(**{**found, "floods": [Flood(**each) for each in found["floods"]]})


class Bench:
    """A running suite, its databases, and what they came to."""

    def __init__(self, suite: Suite) -> None:
        """Measure `suite`."""
        self._suite = suite
        self._loans = suite.runtimes["loan-api"].database
        self._worker = suite.runtimes["retention-worker"]
        self._filled = 0
        self.outcome = Outcome()

    async def idle(self) -> None:
        """Note the memory of a suite that nobody uses."""
        await asyncio.sleep(2)
        self.outcome.idle, self.outcome.idle_postgres = self._memory()

    async def drip(self, count: int, seconds: float) -> None:
        """Let `count` loans fall due one by one, and note how late each was registered."""
        await self._fill(count, timedelta(seconds=1), timedelta(seconds=seconds / count))
        await self._registered(self._filled)
        self.outcome.p50, self.outcome.p999 = await self._worker.database.fetchrow(
            """SELECT extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY late))::float8,
            extract(epoch FROM percentile_cont(0.999) WITHIN GROUP (ORDER BY late))::float8
            FROM (SELECT done_at - due_at AS late FROM register) entry"""
        )

    async def flood(self, count: int) -> None:
        """Let `count` loans fall due at once, then delete as many of the same kind from a copy of the table."""
        await self._fill(count, timedelta(hours=1), timedelta(microseconds=1))
        copy = await self._copy()
        watch = asyncio.create_task(self._watch())
        started = time.perf_counter()
        self._suite.clock.travel(timedelta(hours=2))
        await self._registered(self._filled)
        took = time.perf_counter() - started
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await self._check()
        await self._suite.settle()
        rival = await self._delete(copy)
        self.outcome.floods.append(Flood(count, count / took, count / rival))

    async def _fill(self, count: int, ahead: timedelta, apart: timedelta) -> None:
        """Prepare loans and their clocks, of all agencies in turn, the first due `ahead` from now."""
        now, agencies = await self._worker.database.now(), self._suite.agencies
        for number, isil in enumerate(agencies):
            part = count // len(agencies) + (number < count % len(agencies))
            first = (agencies.cutoff(isil, "loan", now) or now) + ahead
            values = (self._filled * len(agencies) + number + 1, isil, part, first, apart * len(agencies))
            await self._loans.execute(FILL_LOANS, *values, timeout=300)
            await self._worker.database.execute(FILL_CLOCKS, *values, timeout=300)
        await self._loans.execute("ANALYZE loan")
        await self._worker.database.execute("ANALYZE clock")
        self._filled += count

    async def _registered(self, count: int) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        disposed = self._worker.metrics.registry.restricted_registry(["glem_records_disposed_total"])
        while True:
            done = sum(
                sample.value
                for metric in disposed.collect()
                for sample in metric.samples
                if sample.name.endswith("_total") and sample.labels["outcome"] in {"erased", "gone"}
            )
            if done >= count:
                return
            if time.monotonic() > deadline:
                message = f"{done:.0f} of {count} records went in {LIMIT_SECONDS} s"
                raise TimeoutError(message)
            await asyncio.sleep(0.02)

    async def _check(self) -> None:
        """Raise unless all is gone, and every record of it is in the register and in the log."""
        left = await self._loans.fetchval("SELECT count(*) FROM loan")
        told = await self._loans.fetchval("SELECT count(*) FROM outbox WHERE payload LIKE '%\"LoanErased\"%'::bytea")
        entered = await self._worker.database.fetchval("SELECT count(*) FROM register")
        proved = await self._worker.database.fetchval("SELECT count(*) FROM leaf")
        if (left, entered, proved) != (0, self._filled, self._filled) or not told:
            message = (
                f"{left} loans are left; of {self._filled}, {entered} registered, {proved} in the log, {told} events"
            )
            raise RuntimeError(message)

    async def _copy(self) -> str:
        await self._loans.execute("DROP TABLE IF EXISTS loan_copy")
        await self._loans.execute("CREATE TABLE loan_copy (LIKE loan INCLUDING ALL)")
        await self._loans.execute("INSERT INTO loan_copy SELECT * FROM loan", timeout=300)
        await self._loans.execute("ANALYZE loan_copy")
        return "loan_copy"

    async def _delete(self, table: str) -> float:
        ids = [record["loan_id"] for record in await self._loans.fetch(f"SELECT loan_id FROM {table} ORDER BY anchor")]
        started = time.perf_counter()
        async with self._loans.connection() as connection:
            for at in range(0, len(ids), BATCH):
                await connection.execute(f"DELETE FROM {table} WHERE loan_id = ANY($1::bigint[])", ids[at : at + BATCH])
        return time.perf_counter() - started

    async def _watch(self) -> None:
        while True:
            ours, postgres = await asyncio.to_thread(self._memory)
            self.outcome.peak = max(self.outcome.peak, ours)
            self.outcome.peak_postgres = max(self.outcome.peak_postgres, postgres)
            await asyncio.sleep(1)

    def _memory(self) -> tuple[float, float]:
        """Return the memory of this process (resident) and of PostgreSQL's (proportional: their shared part counts once)."""
        postmaster = psutil.Process(self._suite.postgres.pid)
        postgres = 0
        for process in [postmaster, *postmaster.children()]:
            with suppress(psutil.Error):
                postgres += process.memory_full_info().pss
        return psutil.Process().memory_info().rss / 2**20, postgres / 2**20


async def run(task: Task) -> Outcome:
    """Open a suite and do `task` with it."""
    suite = await Suite.open(Path(task.home), AGENCIES, OPTIONS)
    try:
        async with suite.running():
            bench = Bench(suite)
            await bench.idle()
            if task.drips:
                await bench.drip(task.drips, task.drip_seconds)
            for count in task.floods:
                await bench.flood(count)
    finally:
        await suite.close()
    return bench.outcome


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    print(json.dumps(asdict(uvloop.run(run(Task(**json.load(sys.stdin)))))))
