"""Background work goes on whatever a pass does."""

from __future__ import annotations

import asyncio

import pytest

from glem.background import BackgroundTask
from tests.glem.toys import running, until


class Work:
    """Passes that do as they are told: a number is what was done, an exception is raised."""

    def __init__(self, *plan: int | Exception) -> None:
        self.plan = list(plan)
        self.passes = 0

    async def __call__(self) -> int:
        self.passes += 1
        step = self.plan.pop(0) if self.plan else 0
        if isinstance(step, Exception):
            raise step
        return step


def make_task(work: Work, *, every: float = 0.01) -> BackgroundTask:
    return BackgroundTask("test", work, every=every, timely=False)


async def test_a_failing_pass_does_not_end_it():
    work = Work(RuntimeError("bug"), KeyError("x"), ConnectionError("away"), TimeoutError(), 0)
    async with running(make_task(work).run()) as [task]:
        await until(lambda: work.passes >= 6)
        assert not task.done()


async def test_while_there_is_work_it_does_not_wait():
    work = Work(5, 5, 5, 0)
    async with running(make_task(work, every=3600).run()):
        await until(lambda: work.passes == 4)
        await asyncio.sleep(0.05)
    assert work.passes == 4


async def test_it_can_be_woken():
    work = Work()
    task = make_task(work, every=3600)
    async with running(task.run()):
        await until(lambda: work.passes == 1)
        task.wake()
        await until(lambda: work.passes == 2)


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancellation_that_comes_with_the_wake_is_not_lost(steps: int):
    work = Work()
    task = make_task(work, every=3600)
    run = asyncio.create_task(task.run())
    await until(lambda: work.passes == 1)
    task.wake()
    for _ in range(steps):
        await asyncio.sleep(0)
    run.cancel()
    ended, _ = await asyncio.wait([run], timeout=2)
    assert ended == {run}


async def test_work_without_end_leaves_room_for_others():
    async def busy() -> int:
        return 1

    async with running(BackgroundTask("busy", busy, every=1, timely=False).run()):
        await asyncio.wait_for(asyncio.sleep(0.02), 2)


async def test_a_pass_that_fails_is_no_heartbeat():
    task = make_task(Work(1, RuntimeError("bug")))
    task.heartbeat -= 100
    assert task.silent_seconds >= 100
    assert await task.pass_once() == 1
    assert task.silent_seconds < 1
    task.heartbeat -= 100
    with pytest.raises(RuntimeError):
        await task.pass_once()
    assert task.silent_seconds >= 100


async def test_passes_do_not_overlap():
    inside = 0

    async def work() -> int:
        nonlocal inside
        inside += 1
        assert inside == 1
        await asyncio.sleep(0.01)
        inside -= 1
        return 0

    task = BackgroundTask("test", work, every=0.001, timely=False)
    async with running(task.run()):
        await asyncio.gather(*(task.pass_once() for _ in range(5)))
