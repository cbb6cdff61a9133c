"""A worker that was away for weeks, and one with very much to watch (H63)."""

import asyncio
from datetime import timedelta

import pytest

from retention_worker.sweeps import rules
from tests.retention_worker.conftest import KOEGE, STRUER, Owner, Worker, open_worker

MANY = 1_000_000
# A look goes down the index of what is due once for each library and class: so many pages for a million clocks.
PAGES_OF_A_SCOPE = 3
FILL = """
INSERT INTO clock (record_class, record_id, agency, version, anchor, tries)
SELECT 'loan', $1 + n, $2, 1, $3::timestamptz + n * $4::interval, 0 FROM generate_series(1, $5::bigint) n
"""


async def fill(worker: Worker, agency: str, first_id: int, count: int, **since: float) -> None:
    """Give the worker clocks, spread over a day from `since` on; the owner has the records."""
    start = worker.clock.now() + timedelta(**since)
    step = timedelta(days=1) / count
    await worker.runtime.database.execute(FILL, first_id, agency, start, step, count)
    worker.owner.anchors |= {first_id + n: start + n * step for n in range(1, count + 1)}


async def entries(worker: Worker) -> list[tuple[int, str]]:
    rows = await worker.runtime.database.fetch("SELECT record_id, agency FROM register ORDER BY entry")
    return [(row["record_id"], row["agency"]) for row in rows]


async def test_h63_a_backlog_goes_oldest_first_and_what_falls_due_now_does_not_wait_for_it(worker: Worker):
    worker.clock.freeze(worker.clock.now())
    for day in range(40):
        await fill(worker, KOEGE, 10_000 * (day + 1), 100, days=-30 - 41 + day)
    await fill(worker, KOEGE, 900_000, 5, days=-30, minutes=-1)
    await fill(worker, STRUER, 950_000, 5, days=-30, minutes=-1)
    await worker.runtime.database.execute(
        "UPDATE clock SET anchor = $1 WHERE record_id > 900000", worker.clock.now() - timedelta(days=30, seconds=10)
    )
    assert await worker.sweep() == 40 * 100 + 10

    order = [record_id for record_id, _ in await entries(worker)]
    old = [record_id for record_id in order if record_id < 900_000]
    assert len(order) == len(set(order)) == 4010
    # Oldest first, by whole orders: within one, the owner sees the ids in their own order.
    batches = [old[start : start + 100] for start in range(0, len(old), 100)]
    assert [min(batch) for batch in batches] == sorted(min(batch) for batch in batches)
    assert all(max(batch) - min(batch) < 10_000 for batch in batches)
    new = [place for place, record_id in enumerate(order) if record_id > 900_000]
    assert max(new) <= 3 * 110, "they waited for the backlog"


async def test_h63_while_a_backlog_goes_new_records_of_the_same_library_fall_due_and_go(worker: Worker):
    worker.clock.freeze(worker.clock.now())
    await fill(worker, KOEGE, 10_000, 3000, days=-60)
    worker.runtime.settings.orders_at_once = 1
    plain, late = worker.owner.dispose, []

    def dispose(order):
        if len(worker.owner.orders) == 5:
            worker.owner.anchors[77] = worker.clock.now() - timedelta(days=30)
            late.append(asyncio.ensure_future(worker.send(worker.returned(77, worker.owner.anchors[77]))))
        return plain(order)

    worker.owner.dispose = dispose
    await worker.sweep()
    await asyncio.gather(*late)
    await worker.sweep()
    order = [record_id for record_id, _ in await entries(worker)]
    assert len(order) == len(set(order)) == 3001
    assert order.index(77) < 2000


async def test_a_million_records_that_are_not_due_cost_a_look_into_the_index(worker: Worker):
    await worker.runtime.database.execute(FILL, 0, KOEGE, worker.clock.now(), timedelta(seconds=1), MANY)
    await worker.runtime.database.execute("ANALYZE clock")
    assert await worker.sweep() == 0
    assert await buffers_of_a_look(worker) <= PAGES_OF_A_SCOPE * await scopes(worker)


async def scopes(worker: Worker) -> int:
    """Count the pairs of a library and a class with a policy."""
    return len(rules.scopes_of(worker.runtime.agencies, await worker.runtime.database.now()))


async def buffers_of_a_look(worker: Worker) -> int:
    """Run the statement of a lease under EXPLAIN, with every scope; it must use the index of what is due."""
    database, seen = worker.runtime.database, []
    plain = database.fetch

    async def explained(statement, *values, **more):
        if "FOR UPDATE SKIP LOCKED" in statement:
            rows = await plain("EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) " + statement, *values)
            seen.append("\n".join(row[0] for row in rows))
            return []
        return await plain(statement, *values, **more)

    database.fetch = explained
    try:
        await worker.sweep()
    finally:
        database.fetch = plain
    [plan] = seen
    assert "clock_due" in plan
    assert "Seq Scan on clock" not in plan
    top = next(line for line in plan.splitlines() if "Buffers:" in line)
    return sum(int(word.partition("=")[2]) for word in top.split() if word.startswith(("hit=", "read=")))


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_million_records_that_are_not_due_cost_a_look_into_the_index(worker: Worker):
    for part in range(10):
        await worker.runtime.database.execute(
            FILL, part * MANY, KOEGE, worker.clock.now(), timedelta(seconds=1), MANY, timeout=600
        )
    await worker.runtime.database.execute("ANALYZE clock", timeout=600)
    # The index is a page higher than that of a million.
    assert await buffers_of_a_look(worker) <= (PAGES_OF_A_SCOPE + 1) * await scopes(worker)


async def test_two_workers_share_what_is_due_and_take_each_record_once(worker: Worker, tmp_path):
    worker.clock.freeze(worker.clock.now())
    await fill(worker, KOEGE, 0, 2000, days=-40)
    await fill(worker, STRUER, 10_000, 2000, days=-40)
    url = worker.runtime.settings.database_url
    second = Owner()
    second.anchors = worker.owner.anchors
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "clock.json").write_text((tmp_path / "clock.json").read_text())
    async with open_worker(url, folder, second) as other:
        await asyncio.gather(worker.sweep(), other.sweep())
    ordered = [record for owner in (worker.owner, second) for order in owner.orders for record in order.record_ids]
    assert len(ordered) == len(set(ordered)) == 4000
    assert worker.owner.orders
    assert second.orders
    assert len(await entries(worker)) == 4000
