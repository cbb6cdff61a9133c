"""Thousands of loan lives among failures; and a judge who finds each fault that is planted."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from glem_retention import policies
from loan_api.debts import rules as debt_rules
from retention_worker.audits.actions import Auditor
from retention_worker.holds import store as holds
from tests.proving.simulation import Outcome, Plan, Weather, simulate

DAY = timedelta(days=1)
SEED = int(os.environ.get("GLEM_SEED", "20270301"))
SMALL = Plan(lives=320, seed=11, by_hand=0.25, days=24, tail=36, looks_every=4)

Live = Callable[[Plan], Awaitable[Outcome]]


@pytest.fixture
def live(fresh_database) -> Live:
    async def run(plan: Plan) -> Outcome:
        return await simulate([await fresh_database(), await fresh_database()], plan)

    return run


def output(outcome: Outcome) -> str:
    stories = [f"{finding}\n" + "\n".join(map(str, outcome.story_of(finding))) for finding in outcome.findings[:5]]
    return "\n".join(
        [f"python -m tests.proving.simulation --lives {outcome.plan.lives} --seed {outcome.plan.seed}", *stories]
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_thousands_of_lives_end_on_time_and_nothing_else_is_touched(live):
    outcome = await live(Plan(lives=5000, seed=SEED, by_hand=0.1, days=50, tail=40, looks_every=6))
    print(f"\n{outcome.lives} lives in {outcome.seconds:.0f} s, {outcome.erased} gone, --seed {outcome.plan.seed}")
    assert not outcome.findings, output(outcome)
    assert outcome.lives == 5000
    assert outcome.erased > 4000
    # Everything that the simulation is for did happen.
    for act in (
        "return",
        "charge",
        "pay",
        "reverse",
        "waive",
        "undo-return",
        "lose",
        "hold",
        "release",
        "adopt",
        "refused",
    ):
        assert outcome.acts[act], act
    for fate in ("lost", "doubled", "delayed"):
        assert outcome.sent[fate], fate
    assert outcome.found_by_audit
    assert outcome.longest > DAY


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_small_life_without_a_fault_is_clean(live):
    """What the planted faults are held against."""
    outcome = await live(SMALL)
    assert not outcome.findings, output(outcome)
    assert outcome.acts["reverse"]
    assert outcome.acts["hold"]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_anchor_that_forgets_a_reversal_is_found(live, monkeypatch):
    right = debt_rules.moved

    def forgets(debt, amount, kept, now):
        moved = right(debt, amount, kept, now)
        if amount <= 0 or debt.settled_at is None:
            return moved
        return replace(moved, settled_at=debt.settled_at, anchor=debt.anchor, clock_version=debt.clock_version)

    monkeypatch.setattr(debt_rules, "moved", forgets)
    outcome = await live(SMALL)
    assert outcome.count("early")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_sweep_that_knows_no_hold_is_found(live, monkeypatch):
    async def forget(tx, hold_id):
        pass

    monkeypatch.setattr(holds, "mark_clocks", forget)
    outcome = await live(SMALL)
    assert [finding for finding in outcome.findings if "though it was held" in finding.what]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("days", "kind"), [(1, "early"), (-1, "missed")])
async def test_a_period_that_is_off_by_a_day_is_found(live, monkeypatch, days, kind):
    right = policies.cutoff
    monkeypatch.setattr(policies, "cutoff", lambda terms, now: right(terms, now + days * DAY))
    outcome = await live(replace(SMALL, audits_every=1))
    assert outcome.count(kind)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_audit_that_finds_nothing_is_found(live, monkeypatch):
    async def nothing(self, scopes=None):
        return 0

    monkeypatch.setattr(Auditor, "audit", nothing)
    outcome = await live(replace(SMALL, weather=Weather(lost=0.2)))
    assert outcome.count("missed")
    assert not outcome.count("early")
