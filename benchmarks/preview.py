"""The preview of a policy change at a million clocks, against the same count without an index."""

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
from pydantic import SecretStr

from benchmarks.place import AGENCIES, Place
from benchmarks.table import Row
from glem.identity import Principal
from glem.migrations import upgrade
from glem.problems import unwrap
from glem.transport.local import LocalTransport
from glem_retention.runtime import Runtime
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.policies import actions as policies
from retention_worker.policies.rules import Change, hit
from retention_worker.policies.schemas import ProposalWanted
from retention_worker.settings import WorkerSettings

AGENCY = "DK-725900"
CLOCKS, HELD_ONE_IN, TRIES = 1_000_000, 100, 7
WORDING = "Made for the bench, and kept by nobody."
OFFICER = Principal("bench", "dpo", AGENCY, frozenset({"retention:read", "retention:write"}), 0)
FILL = f"""
INSERT INTO clock (record_class, record_id, agency, version, anchor, tries, held_until)
SELECT 'loan', n, $1, 1, $2::timestamptz - n * interval '20 days' / $3::int, 0,
    CASE WHEN n % {HELD_ONE_IN} = 0 THEN $2::timestamptz + interval '1 year' END
FROM generate_series(1, $3::int) n
"""
SCAN = """
SELECT count(*), min(anchor), count(*) FILTER (WHERE held_until > $5)
FROM clock WHERE agency = $1 AND record_class = $2 AND anchor > $3 AND anchor <= $4
"""
WITHOUT_INDEX = ("indexscan", "indexonlyscan", "bitmapscan")


async def measure(place: Place) -> list[Row]:
    """Return the row of this measurement."""
    count = place.sized(CLOCKS, 1000)
    url = await place.database("preview")
    await upgrade(url, MIGRATIONS, metadata)
    settings = WorkerSettings(database_url=url, agencies=AGENCIES, transport="local", service_secret=SecretStr("bench"))
    runtime = await Runtime.open("retention-worker", settings, transport=LocalTransport())
    plain = await asyncpg.connect(url)
    try:
        now = await runtime.database.now()
        await runtime.database.execute(FILL, AGENCY, now, count, timeout=300)
        await runtime.database.execute("ANALYZE")
        await policies.adopt_files(runtime)
        wanted = ProposalWanted.model_validate(
            {
                "record_class": "loan",
                "period": "P1D",
                "wording_da": WORDING,
                "wording_en": WORDING,
                "effective": now + timedelta(hours=25),
            }
        )
        proposal = unwrap(await policies.propose(runtime, OFFICER, wanted))

        async def ours() -> int:
            return unwrap(await policies.preview(runtime, OFFICER, proposal.proposal_id)).records

        known = runtime.agencies.terms(AGENCY, "loan")
        after, until = hit(Change("loan", wanted.period, None, wanted.effective, known))

        async def theirs() -> int:
            row = await plain.fetchrow(SCAN, AGENCY, "loan", after, until, wanted.effective)
            assert row is not None
            return int(row[0])

        for each in WITHOUT_INDEX:
            await plain.execute(f"SET enable_{each} = off")
        return [_row(count, await _seconds(ours, count), await _seconds(theirs, count))]
    finally:
        await plain.close()
        await runtime.close()


async def _seconds(look: Callable[[], Awaitable[int]], wanted: int) -> list[float]:
    found = []
    for _ in range(TRIES):
        started = time.perf_counter()
        records = await look()
        found.append(time.perf_counter() - started)
        if records != wanted:
            message = f"{records} records hit of {wanted}"
            raise RuntimeError(message)
    return found


def _row(count: int, ours: list[float], theirs: list[float]) -> Row:
    mine, rival = statistics.median(ours), statistics.median(theirs)
    return Row(
        f"preview of a policy change that hits {count:,} clocks, {TRIES} times",
        f"p50 {mine:.2f} s, largest {max(ours):.2f} s",
        f"p50 {rival:.2f} s, largest {max(theirs):.2f} s (one SELECT over the table, no index)",
        f"{rival / mine:.2f}",
        "within 5 s",
    )
