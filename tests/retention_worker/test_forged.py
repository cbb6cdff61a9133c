"""Events that nobody of ours wrote: the register does not believe them against the owner (H107)."""

from glem_contracts.disposals import OverdueRecord
from glem_contracts.events import LoanErased
from glem_contracts.events.envelope import Erasure

from .conftest import KOEGE, Worker
from .test_holds import place


def forged(worker: Worker, *record_ids: int) -> object:
    """A LoanErased about loans that their owner has not erased."""
    return worker.event(LoanErased(erased=[Erasure(record_class="loan", record_ids=list(record_ids))]), 99)


def contradictions(worker: Worker) -> float:
    registry = worker.runtime.metrics.registry
    labels = {"agency": KOEGE, "record_class": "loan"}
    return registry.get_sample_value("glem_register_contradictions_total", labels) or 0.0


async def test_h107_a_forged_erasure_keeps_no_loan_from_going(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start), worker.returned(2, start))
    await worker.send(forged(worker, 1))
    assert set(await worker.clocks()) == {2}
    await worker.travel(days=31)
    assert await worker.sweep() == 1
    assert worker.owner.anchors == {1: start}

    worker.owner.overdue = [OverdueRecord(record_id=1, version=1, anchor=start)]
    assert await worker.task("audit") == 1
    assert worker.owner.anchors == {}
    assert contradictions(worker) == 1
    assert [entry["record_id"] for entry in await worker.register()] == [1, 2]

    worker.owner.overdue = []
    assert await worker.task("audit") == 0
    assert contradictions(worker) == 1


async def test_h107_a_forged_erasure_brings_nothing_forward(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start), forged(worker, 1))
    await worker.travel(days=29)
    await worker.sweep()
    await worker.task("audit")
    assert worker.owner.anchors == {1: start}
    assert worker.owner.orders == []


async def test_a_sweep_that_was_faster_than_the_audit_is_no_contradiction(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start))
    await worker.travel(days=31)
    await worker.sweep()
    worker.owner.overdue = [OverdueRecord(record_id=1, version=1, anchor=start)]
    assert await worker.task("audit") == 0
    assert contradictions(worker) == 0


async def test_h107_a_forged_erasure_lifts_no_legal_hold(worker: Worker):
    start = worker.clock.now()
    await worker.send(worker.returned(1, start))
    await place(worker, 1)
    await worker.send(forged(worker, 1))
    await worker.travel(days=31)
    worker.owner.overdue = [OverdueRecord(record_id=1, version=1, anchor=start)]
    assert await worker.task("audit") == 0
    assert worker.owner.anchors == {1: start}
    await worker.travel(days=30)
    assert await worker.task("audit") == 1
    assert worker.owner.anchors == {}
