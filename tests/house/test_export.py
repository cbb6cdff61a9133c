"""See my data is complete against the field register: each personal column of each table is shown, or left out with a reason."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

from glem_contracts.record_classes import RECORD_CLASSES
from loan_api.export import rules as lending
from notifier.rights import rules as messages
from patron_api.export import rules as patrons
from patron_api.export.wording import LABELS
from tests.house.schema import metadata_of
from tests.house.tree import SERVICES

if TYPE_CHECKING:
    from glem_retention.holdings import Holding

SHOWN: dict[str, tuple[Holding, ...]] = {
    "patron_api": patrons.EVERYTHING,
    "loan_api": (*lending.EVERYTHING, lending.AMOUNTS),
    "notifier": messages.EVERYTHING,
}
# Tables with personal columns that are not shown, and why; by service.
NOT_SHOWN: dict[str, dict[str, str]] = {
    "patron_api": patrons.NOT_OF_PATRONS,
    "loan_api": lending.NOT_OF_PATRONS,
    "notifier": messages.SHOWN_OTHERWISE,
    "retention_worker": dict.fromkeys(
        ("legal_hold", "breaker", "policy_step"),
        "names members of staff and their reasons; of a patron it holds random ids alone",
    ),
}
by_service = pytest.mark.parametrize("package", SERVICES, ids=lambda package: package.name)


@by_service
def test_every_personal_column_is_shown_or_has_a_reason(package):
    if not (package / "base.py").exists():
        pytest.skip("this one keeps nothing")
    holdings, tables = SHOWN.get(package.name, ()), NOT_SHOWN.get(package.name, {})
    shown = {(holding.table.name, name) for holding in holdings for name in holding.fields}
    left_out = {(holding.table.name, name): reason for holding in holdings for name, reason in holding.left_out.items()}
    personal = {
        (table.name, column.name)
        for table in metadata_of(package).tables.values()
        for column in table.columns
        if column.info.get("personal") and table.name not in tables
    }
    missing = personal - shown - left_out.keys()
    assert not missing, f"add to the service's export, or leave out with a reason: {sorted(missing)}"
    assert all(len(reason) > 20 for reason in [*left_out.values(), *tables.values()])


def test_everything_shown_has_a_name_in_danish_and_english():
    for holdings in SHOWN.values():
        for holding in holdings:
            assert holding.name in LABELS.sections.keys() | RECORD_CLASSES.keys(), (
                f"labels.toml, [sections]: {holding.name}"
            )
            names = {*holding.fields, *holding.extra}
            assert not (names - LABELS.fields.keys()), f"labels.toml, [fields]: {sorted(names - LABELS.fields.keys())}"
    assert {"message_body"} <= LABELS.sections.keys()
    assert importlib.import_module("notifier.rights.rules").TEXT_FIELDS.keys() <= LABELS.fields.keys()
