"""Events that come before others, again after all is over, or to a clock that steps back: nothing early, lost, or twice."""

from datetime import datetime, timedelta

import pytest

from glem_contracts.events import LoanOpened

from .conftest import Worker

DAY = timedelta(days=1)


async def anchors(worker: Worker) -> dict[int, object]:
    return {number: clock["anchor"] for number, clock in (await worker.clocks()).items()}


async def test_h01_a_return_that_comes_before_its_loan_is_scheduled_from_its_own_time(worker: Worker):
    returned_at = worker.clock.now()
    opened = worker.event(LoanOpened(patron_id=1, branch="x", due_on=returned_at.date()), 1)
    event = worker.returned(1, returned_at)
    await worker.travel(days=5)
    await worker.send(event)
    await worker.send(opened)
    assert await anchors(worker) == {1: returned_at}
    await worker.travel(days=24)
    assert await worker.sweep() == 0
    await worker.travel(days=1, seconds=1)
    assert await worker.sweep() == 1


async def test_h04_a_settlement_that_comes_before_its_debt_is_the_end_of_it(worker: Worker):
    start = worker.clock.now()
    returned = worker.returned(1, start, version=1)
    raised = worker.returned(1, None, version=2)
    await worker.travel(days=10)
    settled_at = worker.clock.now()
    settled = worker.returned(1, settled_at, version=3)
    await worker.send(settled, raised, returned)
    assert await anchors(worker) == {1: settled_at}
    await worker.travel(days=25)
    assert await worker.sweep() == 0
    await worker.travel(days=5, seconds=1)
    assert await worker.sweep() == 1


async def test_h04_nothing_goes_by_what_came_before_a_gap_in_the_events(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start, version=1))
    worker.returned(1, None, version=2)
    await worker.travel(days=31)
    assert await worker.sweep() == 0
    assert worker.owner.anchors == {1: None}
    assert await worker.register() == []
    await worker.travel(days=1)
    assert await worker.sweep() == 0


async def test_h08_the_register_outlives_the_topic_that_told_of_the_erasure(worker: Worker):
    event = worker.returned(1, worker.clock.now())
    await worker.send(event)
    await worker.travel(days=31)
    assert await worker.sweep() == 1
    await worker.runtime.database.execute("DELETE FROM outbox")
    await worker.travel(days=400)
    orders = len(worker.owner.orders)
    for late in (event, worker.returned(1, worker.clock.now(), version=7)):
        await worker.send(late)
    assert await worker.clocks() == {}
    await worker.travel(days=31)
    assert await worker.sweep() == 0
    assert len(worker.owner.orders) == orders
    assert len(await worker.register()) == 1


async def test_h61_a_clock_that_steps_back_erases_nothing_twice_and_nothing_early(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
):
    start = worker.clock.now()
    shown = [start]

    async def now() -> datetime:
        return shown[0]

    async def skew() -> timedelta:
        return timedelta()

    monkeypatch.setattr(worker.runtime.database, "now", now)
    monkeypatch.setattr(worker.runtime.database, "skew", skew)
    await worker.send(worker.returned(1, start), worker.returned(2, start + timedelta(seconds=2)))
    for seconds, gone in ((1, 1), (-3600, 0), (1, 0), (3, 1), (-1, 0), (3, 0)):
        shown[0] = start + 30 * DAY + timedelta(seconds=seconds)
        assert await worker.sweep() == gone
        await worker.task("audit")
    assert [entry["record_id"] for entry in await worker.register()] == [1, 2]
    assert [order.record_ids for order in worker.owner.orders] == [[1], [2]]


async def test_h61_a_lease_ends_by_the_databases_clock_and_not_by_this_machines(worker: Worker):
    worker.clock.freeze(worker.clock.now())
    start = worker.clock.now()
    await worker.send(worker.returned(1, start))
    worker.clock.freeze(start + 31 * DAY)
    await worker.runtime.database.execute("UPDATE clock SET leased_until = clock_timestamp() + interval '1 minute'")
    worker.clock.freeze(start + 31 * DAY + timedelta(hours=5))
    assert await worker.sweep() == 0
    assert worker.owner.orders == []
