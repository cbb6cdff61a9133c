"""Parts away, killed, or back empty: nothing is lost, nothing early, nothing twice."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from glem_local.postgres import PostgresServer
from glem_local.postgres_programs import find_programs
from tests.conftest import broker_for
from tests.flows.library import Library
from tests.flows.suites import DistributedSuite, EmbeddedProcess
from tests.outages.load import Load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DAY = timedelta(days=1)
SERVICES = ("patron-api", "loan-api", "notifier", "retention-worker")
CHAOS_SECONDS = float(os.environ.get("GLEM_CHAOS_SECONDS", "40"))
SOAK_SECONDS = float(os.environ.get("GLEM_SOAK_SECONDS", "300"))


def distributed(test):
    """Mark a test that needs four processes, PostgreSQL and a broker."""
    return pytest.mark.kafka(pytest.mark.distributed(test))


@pytest_asyncio.fixture(scope="module")
async def suite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DistributedSuite]:
    home = tmp_path_factory.mktemp("outages") / "home"
    broker = await broker_for(request.config, home.parent / "kafka")
    opened = await DistributedSuite.open(home, broker)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module")
async def library(suite: DistributedSuite) -> Library:
    return await Library(suite, "DK-767100", "DK-767100").open()


@distributed
async def test_h63_the_worker_away_for_40_days(suite: DistributedSuite, library: Library):
    patron = await library.register()
    items = await library.import_works(3)
    loans = []
    for item in items:
        loans.append((await library.check_out(patron, item))["loan_id"])
        await library.check_in(item)
        await suite.travel(DAY)

    async def known():
        rows = await library.rows(
            "retention-worker", "SELECT FROM clock WHERE anchor IS NOT NULL AND record_id = ANY($1)", loans
        )
        return len(rows) == 3

    await library.eventually(known, "the worker has the clocks")
    await suite.kill("retention-worker")
    try:
        await suite.travel(26 * DAY)
        seen = []
        for _ in range(5):
            await suite.travel(DAY)
            seen.append([loan["loan_id"] for loan in await library.loans(patron)])
        await suite.travel(35 * DAY)
        # Each is out of sight from its day on, whether it is erased or not.
        assert [set(loans) & set(day) for day in seen[-3:]] == [set(loans[1:]), set(loans[2:]), set()] or not seen[-1]
        assert await library.loans(patron) == []
        assert len(await library.rows("loan-api", "SELECT FROM loan WHERE loan_id = ANY($1)", loans)) == 3
    finally:
        await suite.start("retention-worker")
    for loan in loans:
        await library.gone("loan", loan)
    lines = await library.registered("loan")
    entries = [lines[loan]["entry"] for loan in loans]
    assert len(set(entries)) == 3


@distributed
async def test_postgresql_killed_under_load(suite: DistributedSuite, library: Library):
    load = Load(library)
    await load.begin()
    for _ in range(2):
        await asyncio.sleep(3)
        before = len(load.returned)
        await suite.inner.postgres.kill()
        await asyncio.sleep(1)
        suite.inner.postgres = await PostgresServer.start(suite.inner.home / "postgres")

        async def goes_on(before=before):
            return len(load.returned) > before + 5

        await library.eventually(goes_on, "the desks work again")
    await load.end()
    await load.check()
    await load.check_erasure()


@distributed
async def test_h64_the_broker_back_empty(suite: DistributedSuite, library: Library):
    if not suite.inner.broker.kind.startswith("Apache Kafka 4"):
        pytest.skip("only a broker whose folder is ours can be emptied")
    load = Load(library, desks=2)
    await load.begin()
    await asyncio.sleep(3)
    await suite.inner.broker.kill()
    for left in (suite.inner.home.parent / "kafka").iterdir():
        if left.is_dir():
            shutil.rmtree(left)
    await asyncio.sleep(2)
    await suite.inner.broker.restart()
    await load.end()
    await load.check()
    sent = await library.rows("loan-api", "SELECT count(*) FROM outbox WHERE topic = 'glem.loans'")

    async def refilled():
        consumer = AIOKafkaConsumer(
            "glem.loans", bootstrap_servers=suite.inner.broker.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(consumer.assignment()))
        finally:
            await consumer.stop()
        return sum(ends.values()) >= sent[0]["count"]

    await library.eventually(refilled, "the topic has again all that the outbox keeps")
    await load.check_erasure()


@distributed
async def test_h78_a_restored_database_waits_for_the_worker_and_hears_again_what_the_others_told(
    suite: DistributedSuite, library: Library, tmp_path: Path
):
    patron = await library.register()
    [item] = await library.import_works(1)
    loan = (await library.check_out(patron, item))["loan_id"]
    url = suite.databases["loan-api"]
    folder = find_programs((suite.inner.home / "postgres").resolve() / "cluster", None).folder
    dump = [str(folder / "pg_dump"), "--format=custom", f"--file={tmp_path / 'dump'}", url]
    await asyncio.to_thread(subprocess.run, dump, check=True, capture_output=True, timeout=60)
    await library.check_in(item)
    newcomer = await library.register()

    async def met():
        return await library.rows("loan-api", "SELECT FROM borrower WHERE patron_id = $1", newcomer.patron_id)

    await library.eventually(met, "lending has heard of the newcomer")
    await suite.travel(31 * DAY)
    await library.gone("loan", loan)
    suite.inner.processes["loan-api"].stop()
    restore = [str(folder / "pg_restore"), "--clean", "--if-exists", f"--dbname={url}", str(tmp_path / "dump")]
    await asyncio.to_thread(subprocess.run, restore, check=True, capture_output=True, timeout=60)
    await suite.kill("retention-worker")
    suite.inner.processes["loan-api"].start()
    try:
        await shut(suite)
    finally:
        await suite.start("retention-worker")
    await suite.inner.processes["loan-api"].ready()
    assert not await library.rows("loan-api", "SELECT FROM loan WHERE loan_id = $1", loan)
    await library.eventually(met, "lending has heard of the newcomer again")
    await library.check_out(newcomer, item)


@distributed
async def test_each_process_killed_at_random(suite: DistributedSuite, library: Library):
    await chaos(suite, library, CHAOS_SECONDS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@distributed
async def test_each_process_killed_at_random_for_minutes(suite: DistributedSuite, library: Library):
    await chaos(suite, library, SOAK_SECONDS)


async def shut(suite: DistributedSuite) -> None:
    """See that loan-api runs, and serves nobody."""
    deadline = time.monotonic() + 30
    async with httpx.AsyncClient() as client:
        while True:
            try:
                answer = await client.get(suite.url("loan-api") + "/patrons/1/loans")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
        await asyncio.sleep(3)
        answer = await client.get(suite.url("loan-api") + "/patrons/1/loans")
        assert answer.json()["type"] == "urn:glem:problem:restoring"


async def chaos(suite: DistributedSuite, library: Library, seconds: float) -> None:
    """Kill a process, PostgreSQL or the broker every few seconds while the desks work; then compare."""
    seed = int(os.environ.get("GLEM_CHAOS_SEED", str(time.time_ns() % 10**6)))
    print(f"chaos: seed {seed}, {seconds:.0f} s")
    dice = random.Random(seed)
    load = Load(library)
    await load.begin()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        victim = dice.choice([*SERVICES, *SERVICES, "postgres", "broker"])
        await asyncio.sleep(dice.uniform(0.2, 3))
        if victim == "postgres":
            await suite.inner.postgres.kill()
            await asyncio.sleep(dice.uniform(0, 2))
            suite.inner.postgres = await PostgresServer.start(suite.inner.home / "postgres")
        elif victim == "broker":
            if suite.inner.broker.ours:
                await suite.inner.broker.kill()
                await suite.inner.broker.restart()
        else:
            await suite.kill(victim)
            await asyncio.sleep(dice.uniform(0, 2))
            suite.inner.processes[victim].start()
        look_after(suite)
    for service in SERVICES:
        with contextlib.suppress(RuntimeError):
            await suite.inner.processes[service].ready()
        look_after(suite)
        await suite.inner.processes[service].ready()
    await load.end()
    assert load.returned, "nobody could work"
    await load.check()
    await load.check_erasure()


def look_after(suite: DistributedSuite) -> None:
    """Start what has ended by itself, for its database went as it started: as Compose and systemd do."""
    for service in SERVICES:
        process = suite.inner.processes[service]
        if process._running is not None and process._running.poll() is not None:
            process.start()


async def test_postgresql_of_the_embedded_suite_killed_under_load(tmp_path: Path):
    suite = EmbeddedProcess(tmp_path / "home")
    await suite.start()
    try:
        library = await Library(suite, "DK-767100", "DK-767100").open()
        load = Load(library, desks=2)
        await load.begin()
        for _ in range(2):
            await asyncio.sleep(3)
            before = len(load.returned)
            [server] = [
                child for child in psutil.Process(suite._running.pid).children() if Path(child.exe()).name == "postgres"
            ]
            for process in [server, *server.children(recursive=True)]:
                process.send_signal(signal.SIGKILL)

            async def goes_on(before=before):
                return len(load.returned) > before + 5

            await library.eventually(goes_on, "the desks work again")
        await load.end()
        await load.check()
        await load.check_erasure()
    finally:
        await suite.close()
