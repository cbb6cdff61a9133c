"""Clocks, sweeps and the register: nothing early, nothing forgotten, nothing twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from asyncpg import RaiseError

from glem_contracts.disposals import OverdueRecord
from glem_contracts.events import LoanErased, ReservationCancelled
from glem_contracts.events.envelope import Erasure

from .conftest import KOEGE, STRUER, Worker

DAYS_30 = timedelta(days=30)


async def test_a_loan_goes_when_30_days_have_passed_and_not_a_second_before(worker: Worker):
    worker.clock.freeze(worker.clock.now())
    returned_at = worker.clock.now()
    await worker.send(worker.returned(1, returned_at))

    await worker.travel(days=30, seconds=-2)
    assert await worker.sweep() == 0
    assert worker.owner.orders == []

    await worker.travel(seconds=3)
    assert await worker.sweep() == 1
    [entry] = await worker.register()
    assert (entry["record_id"], entry["outcome"], entry["anchor"]) == (1, "erased", returned_at)
    assert entry["due_at"] == returned_at + DAYS_30 <= entry["done_at"]
    assert await worker.clocks() == {}


async def test_a_held_loan_stays_and_goes_after_it_is_free(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start), worker.returned(1, None, version=2))
    await worker.travel(days=40)
    assert await worker.sweep() == 0
    await worker.send(worker.returned(1, start + timedelta(days=40), version=3))
    await worker.travel(days=31)
    assert await worker.sweep() == 1


async def test_h02_events_twice_and_out_of_order_keep_the_highest_version(worker: Worker):
    start = worker.clock.now()
    first, second, third = (
        worker.returned(1, start, version=1),
        worker.returned(1, None, version=2),
        worker.returned(1, start + timedelta(days=10), version=3),
    )
    await worker.travel(days=10)
    for event in (third, first, second, third, first):
        await worker.send(event)
    [clock] = (await worker.clocks()).values()
    assert (clock["version"], clock["anchor"]) == (3, start + timedelta(days=10))


async def test_the_owner_has_the_last_word_and_its_clock_is_taken_over(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start))
    worker.owner.anchors[1], worker.owner.versions[1] = None, 2
    await worker.travel(days=31)
    assert await worker.sweep() == 0
    [clock] = (await worker.clocks()).values()
    assert (clock["version"], clock["anchor"], clock["leased_until"]) == (2, None, None)
    assert await worker.register() == []


async def test_h07_an_event_about_an_erased_record_revives_nothing(worker: Worker):
    event = worker.returned(1, worker.clock.now())
    await worker.send(event)
    await worker.travel(days=31)
    await worker.sweep()
    await worker.send(event, worker.returned(1, worker.clock.now(), version=9))
    assert await worker.clocks() == {}
    assert len(await worker.register()) == 1


async def test_what_an_owner_erased_at_once_is_registered_once(worker: Worker):
    data = ReservationCancelled(patron_id=1, erased=[Erasure(record_class="reservation", record_ids=[7])])
    event = worker.event(data, 7)
    await worker.send(event)
    await worker.send(event)
    [entry] = await worker.register()
    assert (entry["record_class"], entry["record_id"], entry["policy_version"]) == ("reservation", 7, 0)


async def test_an_answer_that_was_lost_is_answered_with_gone_the_next_time(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    worker.owner.lose_answer = True
    assert await worker.sweep() == 0
    assert await worker.register() == []
    worker.owner.lose_answer = False
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert await worker.sweep() == 1
    [entry] = await worker.register()
    assert entry["outcome"] == "gone"


async def test_a_lost_answer_is_made_good_by_the_owners_event(worker: Worker):
    returned_at = worker.clock.now()
    await worker.send(worker.returned(1, returned_at))
    await worker.travel(days=31)
    worker.owner.lose_answer = True
    await worker.sweep()
    await worker.send(worker.event(LoanErased(erased=[Erasure(record_class="loan", record_ids=[1])]), 99))
    [entry] = await worker.register()
    assert (entry["outcome"], entry["anchor"], entry["policy_version"]) == ("erased", returned_at, 1)
    assert await worker.clocks() == {}


async def test_an_owner_that_is_away_loses_nothing(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    worker.owner.away = True
    assert await worker.sweep() == 0
    worker.owner.away = False
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert await worker.sweep() == 1


async def test_h68_a_record_that_cannot_go_does_not_hold_up_the_others(worker: Worker):
    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start) for number in range(1, 151)))
    worker.owner.poison = {42}
    await worker.travel(days=31)
    assert await worker.sweep() == 149
    [clock] = (await worker.clocks()).values()
    assert (clock["record_id"], clock["tries"]) == (42, 1)
    assert clock["not_before"] is not None
    worker.owner.poison = set()
    await worker.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert await worker.sweep() == 1


async def test_h09_two_sweeps_at_once_register_each_record_once(worker: Worker):
    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start) for number in range(1, 1001)))
    await worker.travel(days=31)
    from retention_worker.figures import Figures
    from retention_worker.sweeps.actions import Sweeper

    class Metrics:
        registry = None

    sweepers = [Sweeper(worker.runtime, worker.runtime.settings, Figures(Metrics())) for _ in range(3)]
    done = await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    assert sum(done) == 1000
    entries = await worker.register()
    assert len(entries) == 1000
    assert {entry["outcome"] for entry in entries} == {"erased"}


async def test_a_flood_in_one_library_does_not_delay_another(worker: Worker):
    start = worker.clock.now()
    await worker.send(*(worker.returned(number, start) for number in range(1, 501)))
    await worker.send(worker.returned(9999, start + timedelta(seconds=1), agency=STRUER))
    await worker.travel(days=31)
    await worker.sweep()
    assert [order.agency for order in worker.owner.orders[:2]] == [KOEGE, STRUER]


async def test_h60_an_anchor_a_year_ahead_goes_to_the_dead_letters(worker: Worker):
    event = worker.returned(1, worker.clock.now() + timedelta(days=365))
    good = worker.returned(2, worker.clock.now())
    await worker.send(event, good)
    assert set(await worker.clocks()) == {2}
    topics = await worker.runtime.database.fetch("SELECT topic FROM outbox")
    assert [row["topic"] for row in topics] == ["glem.dead-letters"]
    assert worker.runtime.metrics.dead_letters._value.get() == 1


async def test_h59_nothing_is_swept_while_the_clocks_disagree(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)

    async def skewed():
        return timedelta(minutes=10)

    monkeypatch.setattr(worker.runtime.database, "skew", skewed)
    assert await worker.sweep() == 0
    assert worker.owner.orders == []


async def test_h55_thirty_days_over_the_end_of_summer_time_are_exactly_720_hours(worker: Worker):
    returned_at = datetime(2026, 9, 25, 0, 30, tzinfo=UTC)
    if worker.clock.now() > returned_at:
        returned_at = returned_at.replace(year=worker.clock.now().year + 1)
    worker.clock.freeze(returned_at)
    await worker.send(worker.returned(1, returned_at))
    worker.clock.freeze(returned_at + timedelta(hours=720, seconds=-1))
    assert await worker.sweep() == 0
    worker.clock.freeze(returned_at + timedelta(hours=720, seconds=1))
    assert await worker.sweep() == 1


async def test_the_audit_finds_what_no_event_told_of(worker: Worker):
    start = worker.clock.now()
    await worker.travel(days=31)
    worker.owner.anchors[5] = start
    worker.owner.overdue = [OverdueRecord(record_id=5, version=4, anchor=start)]
    assert await worker.task("audit") == 1
    assert await worker.sweep() == 1
    assert await worker.task("audit") == 0


async def test_the_audit_mends_a_clock_that_says_held_in_the_same_version(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(5, None, version=4))
    await worker.travel(days=31)
    worker.owner.anchors[5] = start
    worker.owner.overdue = [OverdueRecord(record_id=5, version=4, anchor=start)]
    assert await worker.task("audit") == 1
    assert await worker.sweep() == 1


async def test_the_register_cannot_be_changed(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    await worker.sweep()
    for statement in ("DELETE FROM register", "UPDATE register SET agency = 'x'", "TRUNCATE register"):
        with pytest.raises(RaiseError, match="append-only"):
            await worker.runtime.database.execute(statement)


async def test_a_lease_that_ran_out_is_taken_up_again(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    await worker.runtime.database.execute("UPDATE clock SET leased_until = clock_timestamp() + interval '1 minute'")
    assert await worker.sweep() == 0
    await worker.runtime.database.execute("UPDATE clock SET leased_until = clock_timestamp() - interval '1 second'")
    assert await worker.sweep() == 1


async def test_a_due_clock_that_arrives_late_wakes_the_sweep(worker: Worker):
    [sweeps] = [task for task in worker.runtime.tasks if task.name == "sweep"]
    event = worker.returned(1, worker.clock.now())
    await worker.travel(days=31)
    await worker.send(event)
    assert sweeps._awake.is_set()


async def test_a_record_that_is_locked_for_a_moment_goes_in_the_same_sweep(worker: Worker):
    await worker.send(worker.returned(1, worker.clock.now()))
    await worker.travel(days=31)
    worker.owner.locked_once = {1}
    assert await worker.sweep() == 1
    assert len(worker.owner.orders) == 2
