"""Legal holds and sweeps at once: what is in hand cannot be held, what is held is not taken."""

import asyncio
from datetime import timedelta

from retention_worker.clocks import store as clocks
from retention_worker.sweeps.rules import scopes_of

from .conftest import Worker
from .holding import bearer, place, returned


async def test_a_record_that_is_being_erased_now_cannot_be_held(worker: Worker):
    await returned(worker, 1)
    await worker.runtime.database.execute("UPDATE clock SET leased_until = clock_timestamp() + interval '1 minute'")
    assert (await place(worker, 1, status=409))["type"] == "urn:glem:problem:record-being-erased"
    await worker.runtime.database.execute("UPDATE clock SET leased_until = clock_timestamp() - interval '1 second'")
    await place(worker, 1)


async def test_h46_what_was_ordered_away_without_an_answer_is_not_held_for_it_may_be_gone(worker: Worker):
    await returned(worker, 1, 2)
    await worker.travel(days=31)
    worker.owner.lose_answer = True
    assert await worker.sweep() == 0
    worker.owner.lose_answer = False
    assert worker.owner.anchors == {}
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert (await place(worker, 1, status=409))["type"] == "urn:glem:problem:record-being-erased"
    assert await worker.sweep() == 2
    assert (await place(worker, 1, status=409))["type"] == "urn:glem:problem:record-gone"


async def test_a_record_whose_owner_answers_that_it_is_there_can_be_held(worker: Worker):
    start = worker.clock.now()
    await returned(worker, 1, 2)
    await worker.travel(days=31)
    worker.owner.away = True
    assert await worker.sweep() == 0
    await worker.send(worker.returned(2, start + timedelta(days=9), version=2))
    assert (await place(worker, 1, status=409))["type"] == "urn:glem:problem:record-being-erased"
    await place(worker, 2)
    worker.owner.away = False
    worker.owner.cutoff = lambda _: start - timedelta(days=1)
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert await worker.sweep() == 0
    assert [order.record_ids for order in worker.owner.orders] == [[1]], "the owner has refused it"
    await place(worker, 1)
    assert await worker.sweep() == 0


async def test_a_sweep_that_began_before_the_hold_committed_leaves_it_alone(worker: Worker):
    """The sweep's statement reads the clocks as they were before; the row itself tells it otherwise."""
    await returned(worker, *range(1, 101))
    await worker.travel(days=31)
    database = worker.runtime.database
    for victim in range(1, 21):
        held_back = asyncio.Event()
        committed = asyncio.Event()

        async def hold(victim=victim, held_back=held_back, committed=committed) -> None:
            async with database.transaction() as tx:
                until = worker.clock.now() + timedelta(days=9)
                await tx.execute("UPDATE clock SET held_until = $1 WHERE record_id = $2", until, victim)
                held_back.set()
                await asyncio.sleep(0)
            committed.set()

        holding = asyncio.create_task(hold())
        await held_back.wait()
        now = await database.now()
        scopes = scopes_of(worker.runtime.agencies, now)
        leased = await clocks.lease_due(database, scopes, now, size=100, lease=timedelta(seconds=60))
        await holding
        assert victim not in {record_id for batch in leased for record_id in batch.record_ids}
        await database.execute("UPDATE clock SET leased_until = NULL")


async def test_holds_and_sweeps_at_once_never_erase_what_is_held(worker: Worker):
    ids = range(1, 301)
    await returned(worker, *ids)
    await worker.travel(days=31)

    async def hold(record_id: int) -> int | None:
        body = {"kind": "other", "reason": "Sag", "ends_at": (worker.clock.now() + timedelta(days=5)).isoformat()}
        body["records"] = [{"record_class": "loan", "record_ids": [record_id]}]
        answer = await worker.client.post("/holds", json=body, headers=bearer())
        return record_id if answer.status_code == 201 else None

    sweeping = asyncio.create_task(worker.sweep())
    held = {record_id for record_id in await asyncio.gather(*(hold(number) for number in ids[::6])) if record_id}
    await sweeping
    await worker.sweep()
    registered = {entry["record_id"] for entry in await worker.register()}
    assert held.isdisjoint(registered)
    assert held | registered == set(ids)
    assert set(worker.owner.anchors) == held
