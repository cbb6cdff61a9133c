"""An instance of every event, made from its declaration."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from glem_contracts.events.envelope import Erasure, EventData, RecordClock
from tests.glem.toys import NOW

VALUES: dict[Any, Any] = {
    int: 4503599627370497,
    str: "DK-725900",
    bool: True,
    date: date(2026, 10, 25),
    date | None: date(2026, 10, 25),
    int | None: 5,
    str | None: "x",
    AwareDatetime: NOW,
    AwareDatetime | None: NOW,
    list[int]: [1, 2**53 - 1],
    list[str]: ["E", "D"],
    list[RecordClock]: [
        RecordClock(record_class="loan", record_id=7, version=2, anchor=NOW),
        RecordClock(record_class="debt", record_id=8, version=1, anchor=None),
    ],
    list[Erasure]: [Erasure(record_class="loan", record_ids=[7, 9])],
}


def sample(kind: type[EventData]) -> EventData:
    """Return an instance of `kind` with every field set."""
    values = {name: _value(field) for name, field in kind.model_fields.items()}
    return kind.model_validate(values)


def _value(field: Any) -> Any:
    annotation = field.rebuild_annotation()
    for known, value in VALUES.items():
        if known == annotation:
            return value
    msg = f"No sample of {annotation}: is it allowed in an event?"
    raise LookupError(msg, TypeAdapter(annotation))
