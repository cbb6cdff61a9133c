"""The whole suite in a process of its own, with loans and debts that fall due: all at once, or loans one after the other in real time.

Reads a task as JSON from standard input, and writes the outcome to standard output.
"""

import asyncio
import json
import logging
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil
import structlog
import uvloop

from benchmarks import stock
from benchmarks.copies import Copies
from benchmarks.place import AGENCIES
from benchmarks.processes import run_module
from embedded.suite import Suite

LIMIT_SECONDS = 400
# No message is sent, and the breaker, which would stop such a flood, is set too high to open.
OPTIONS = {
    "smtp_host": "127.0.0.1",
    "smtp_port": 9,
    "smtp_tls": "none",
    "sms_url": "http://127.0.0.1:9/messages",
    "breaker_floor": 100_000_000,
}
LEFT = [
    "loan",
    "debt_material",
    "debt WHERE NOT redacted",
    "debt_entry WHERE NOT EXISTS (SELECT FROM debt WHERE debt.debt_id = debt_entry.debt_id)",
    "payment WHERE NOT EXISTS (SELECT FROM debt_entry WHERE debt_entry.order_id = payment.order_id)",
]


@dataclass
class Task:
    """`floods`: for each flood, how many loans fall due at once, with their debts. Then `drips` loans, over `drip_seconds`."""

    home: str
    floods: list[int]
    drips: int
    drip_seconds: float


@dataclass
class Flood:
    """Records/s of the whole path, and of plain batched DELETEs of the same rows."""

    loans: int
    debts: int
    per_second: float
    delete_per_second: float


@dataclass
class Outcome:
    """The outcome of a task. Memory in MiB; lags in seconds."""

    floods: list[Flood] = field(default_factory=list)
    p50: float = 0.0
    p999: float = 0.0
    idle: float = 0.0
    peak: float = 0.0
    idle_postgres: float = 0.0
    peak_postgres: float = 0.0


async def flood(task: Task) -> Outcome:
    """Run `task` in another process."""
    found = await run_module("benchmarks.flood", asdict(task))
    return Outcome(**{**found, "floods": [Flood(**each) for each in found["floods"]]})


class Bench:
    """A running suite, its databases, and the figures measured."""

    def __init__(self, suite: Suite) -> None:
        """Measure `suite`."""
        self.suite = suite
        self._loans = suite.runtimes["loan-api"].database
        self._worker = suite.runtimes["retention-worker"]
        self._copies = Copies(self._loans, suite.agencies)
        self._fillings = 0
        self._records = 0
        self.outcome = Outcome()

    async def idle(self) -> None:
        """Note the memory of a suite that nobody uses."""
        await asyncio.sleep(2)
        self.outcome.idle, self.outcome.idle_postgres = self._memory()

    async def drip(self, count: int, seconds: float) -> None:
        """Let `count` loans fall due one by one, and measure how late each was registered."""
        delivery = await self.fill(count, timedelta(seconds=3), timedelta(seconds=seconds / count), stock.LOANS)
        await self.clocks(delivery, stock.CLOCKS)
        await self._gone()
        row = await self._worker.database.fetchrow(
            """SELECT extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY late))::float8,
            extract(epoch FROM percentile_cont(0.999) WITHIN GROUP (ORDER BY late))::float8
            FROM (SELECT done_at - due_at AS late FROM register) entry"""
        )
        self.outcome.p50, self.outcome.p999 = row or (0.0, 0.0)

    async def flood(self, count: int) -> None:
        """Let `count` loans fall due at once with the debts on them, then delete the same rows from copies of the tables."""
        delivery = await self.fill(count, timedelta(hours=1), timedelta(microseconds=1), stock.LOANS, stock.DEBTS)
        await self.clocks(delivery, stock.CLOCKS, stock.DEBT_CLOCKS)
        debts = stock.debts_in(self.suite.agencies, delivery)
        self._records += debts
        await self._copies.make()
        watch = asyncio.create_task(self._watch())
        took = await self.erase()
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await self.suite.settle()
        rival = await self._copies.delete()
        self.outcome.floods.append(Flood(count, debts, (count + debts) / took, (count + debts) / rival))

    async def erase(self) -> float:
        """Travel to a time at which all is due; return the seconds until it is erased, registered and in the log."""
        started = time.perf_counter()
        self.suite.clock.travel(timedelta(hours=2))
        await self._gone()
        took = time.perf_counter() - started
        await self._check()
        return took

    async def fill(self, count: int, ahead: timedelta, apart: timedelta, *what: str) -> stock.Delivery:
        """Prepare loans of all agencies in turn, the first due `ahead` from now; and run the statements `what`."""
        delivery = stock.Delivery(count, await self._worker.database.now(), ahead, apart, self._fillings)
        await stock.fill(self._loans, self.suite.agencies, delivery, *what)
        self._fillings += 1
        self._records += count
        return delivery

    async def clocks(self, delivery: stock.Delivery, *what: str) -> None:
        """Write the clocks of a delivery, as its events would."""
        await stock.fill(self._worker.database, self.suite.agencies, delivery, *what)

    async def _gone(self) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        disposed = self._worker.metrics.registry.restricted_registry(["glem_records_disposed_total"])
        while True:
            done = sum(
                sample.value
                for metric in disposed.collect()
                for sample in metric.samples
                if sample.name.endswith("_total") and sample.labels["outcome"] in {"erased", "redacted", "gone"}
            )
            if done >= self._records:
                return
            if time.monotonic() > deadline:
                message = f"{done:.0f} of {self._records} records went in {LIMIT_SECONDS} s"
                raise TimeoutError(message)
            await asyncio.sleep(0.02)

    async def _check(self) -> None:
        """Raise RuntimeError unless all is erased, and every record is in the register and in the log."""
        left = await stock.count(self._loans, LEFT)
        events = await self._loans.fetchval("SELECT count(*) FROM outbox WHERE payload LIKE '%\"LoanErased\"%'::bytea")
        entered, proved = await stock.count(self._worker.database, ["register", "leaf"])
        if any(left) or (entered, proved) != (self._records, self._records) or not events:
            message = f"{left} of {LEFT} are left; of {self._records}, {entered} registered, {proved} in the log, {events} events"
            raise RuntimeError(message)

    async def _watch(self) -> None:
        while True:
            ours, postgres = await asyncio.to_thread(self._memory)
            self.outcome.peak = max(self.outcome.peak, ours)
            self.outcome.peak_postgres = max(self.outcome.peak_postgres, postgres)
            await asyncio.sleep(1)

    def _memory(self) -> tuple[float, float]:
        """Return the memory of this process (resident) and of PostgreSQL's (proportional: their shared part counts once)."""
        postmaster = psutil.Process(self.suite.postgres.pid)
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
