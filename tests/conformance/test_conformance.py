"""Every record class of every owner keeps the same promises. Whoever adds a class adds one planter, and gets all of this."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from glem_contracts.record_classes import RECORD_CLASSES, Way
from tests.conformance import checks
from tests.conformance.planting import ENDINGS, PLANTERS

if TYPE_CHECKING:
    from tests.conformance.house import House

ALL = list(RECORD_CLASSES)
CLOCKED = checks.clocked()
BY_CLOCK = (
    checks.check_clock_is_told,
    checks.check_refused_when_not_due,
    checks.check_erased_when_due,
    checks.check_locked_is_refused_or_waits,
    checks.check_held_stays,
    checks.check_audit_agrees,
    checks.check_hidden_when_due,
)
BY_ALL = (
    checks.check_restore_replays_it,
    checks.check_erase_me_takes_it,
    checks.check_page_names_it,
    checks.check_export_shows_it,
)


def name_of(value: object) -> str:
    return value.__name__.removeprefix("check_") if inspect.isfunction(value) else str(value)


@pytest.mark.parametrize("check", BY_CLOCK, ids=name_of)
@pytest.mark.parametrize("record_class", CLOCKED)
async def test_by_the_clock(house: House, record_class: str, check):
    await check(house, record_class)


@pytest.mark.parametrize("check", BY_ALL, ids=name_of)
@pytest.mark.parametrize("record_class", ALL)
async def test_of_every_class(house: House, record_class: str, check):
    await check(house, record_class)


@pytest.mark.parametrize("record_class", [name for name in ALL if RECORD_CLASSES[name].way is Way.ACT])
async def test_in_an_act(house: House, record_class: str):
    await checks.check_act_ends_it(house, record_class)


def test_every_class_can_be_planted():
    missing = sorted(set(ALL) - PLANTERS.keys())
    assert not missing, f"write @plants functions in tests/conformance/planting.py for {missing}"
    assert PLANTERS.keys() <= RECORD_CLASSES.keys()
    assert ENDINGS.keys() == {name for name in ALL if RECORD_CLASSES[name].way is Way.ACT}


def test_no_check_is_left_out():
    defined = {name for name, value in vars(checks).items() if name.startswith("check_") and inspect.isfunction(value)}
    assert defined == {check.__name__ for check in (*BY_CLOCK, *BY_ALL, checks.check_act_ends_it)}
