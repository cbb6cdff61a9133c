"""Slips that whoever adds a record class could make: each takes one part of a class away, in the running house, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from glem_contracts.events.envelope import Event
from glem_contracts.holdings import DataSection
from glem_contracts.record_classes import RECORD_CLASSES
from glem_retention.holdings import Holding
from notifier.rights import actions as rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from tests.conformance.house import House

# Other tables that say the same as a record, which the export shows too.
COPIES = {"absence": {"borrower"}, "access-log": {"export_request"}, "debt": {"debt_entry", "payment"}}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def without_disposer(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The owner takes no orders for the class."""
    disposers = house.suite.apps[RECORD_CLASSES[record_class].owner].state.disposers
    monkeypatch.delitem(disposers, record_class)
    yield


@contextmanager
def without_clock(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No event tells a clock of the class."""
    whole = Event.of

    def of(data: Any, **about: Any) -> Event:
        clocks = [clock for clock in data.clocks if clock.record_class != record_class]
        return whole(data.model_copy(update={"clocks": clocks}), **about)

    monkeypatch.setattr(Event, "of", of)
    yield


@contextmanager
def without_cutoff(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No read path hides what is due of the class."""
    for runtime in house.suite.runtimes.values():
        agencies = runtime.agencies
        whole = agencies.cutoff

        def cutoff(isil: str, name: str, now: datetime, whole: Any = whole) -> datetime | None:
            found: datetime | None = whole(isil, name, now)
            return LONG_AGO if name == record_class and found is not None else found

        monkeypatch.setattr(agencies, "cutoff", cutoff)
    yield


@contextmanager
def without_replay(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A restored database keeps what it has of the class."""
    monkeypatch.delitem(house.runtime(record_class).guard.restorable.erase_again, record_class)
    yield


@contextmanager
def without_export(house: House, record_class: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The export leaves the class's tables out."""
    kept = house.suite.apps[RECORD_CLASSES[record_class].owner].state.records
    tables = {item.name for item in kept.declared if item.record_class == record_class}
    tables |= {table for item in kept.own if item.record_class == record_class for table in item.tables}
    tables |= COPIES.get(record_class, set())
    whole = Holding.read

    async def read(self: Holding, reader: Any, *values: object) -> DataSection:
        if self.table.name in tables:
            return DataSection(name=self.name, fields={}, rows=[])
        return await whole(self, reader, *values)

    async def no_texts(*_: object) -> DataSection:
        return DataSection(name="message_body", fields={}, rows=[])

    monkeypatch.setattr(Holding, "read", read)
    if record_class.startswith("message-"):
        monkeypatch.setattr(rights, "_texts", no_texts)
    yield
