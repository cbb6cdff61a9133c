"""The conformance suite is itself tried: with one part of a class taken away, a check fails and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance import checks, faults
from tests.conformance.test_conformance import ALL, CLOCKED

if TYPE_CHECKING:
    from tests.conformance.house import House

# Kept about staff, or no patron's any more: nothing of it is in a patron's export.
OF_NO_PATRON = {"account", "legal-hold", "policy-change", "breaker-acknowledgement", "erasure-request"}


@pytest.mark.parametrize("record_class", CLOCKED)
async def test_a_forgotten_disposer_is_found(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch):
    with (
        faults.without_disposer(house, record_class, monkeypatch),
        pytest.raises(AssertionError, match=r"takes no disposal orders.*adding-a-record-class"),
    ):
        await checks.check_erased_when_due(house, record_class)


@pytest.mark.parametrize("record_class", CLOCKED)
async def test_a_forgotten_clock_is_found(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch):
    with (
        faults.without_clock(house, record_class, monkeypatch),
        pytest.raises(AssertionError, match=r"told its clock.*adding-a-record-class"),
    ):
        await checks.check_clock_is_told(house, record_class)


@pytest.mark.parametrize("record_class", CLOCKED)
async def test_a_forgotten_cutoff_is_found(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch):
    with (
        faults.without_cutoff(house, record_class, monkeypatch),
        pytest.raises(AssertionError, match=r"(?s)(sees|shows).*hide what is due.*adding-a-record-class"),
    ):
        await checks.check_hidden_when_due(house, record_class)


@pytest.mark.parametrize("record_class", ALL)
async def test_a_forgotten_replay_is_found(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch):
    with (
        faults.without_replay(house, record_class, monkeypatch),
        pytest.raises(AssertionError, match=r"a restored database would keep it.*adding-a-record-class"),
    ):
        await checks.check_restore_replays_it(house, record_class)


@pytest.mark.parametrize("record_class", [name for name in ALL if name not in OF_NO_PATRON])
async def test_a_forgotten_export_is_found(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch):
    with (
        faults.without_export(house, record_class, monkeypatch),
        pytest.raises(AssertionError, match=r"the export does not show.*adding-a-record-class"),
    ):
        await checks.check_export_shows_it(house, record_class)
