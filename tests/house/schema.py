"""The tables of a service, and what is wrong with how they are declared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from glem_contracts.record_classes import RECORD_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Column, MetaData

SHORTEST_PURPOSE = 8
# Tables whose rows belong to no agency, and why.
OF_NO_AGENCY = {
    "outbox": "an event names its agency itself, and the row goes after the grace period",
    "signing_key": "one issuer signs for all agencies",
    "debt_material": "a line of its debt, whose row names the agency",
    "tile": "hashes of the one log of all agencies: its order proves that nothing was taken out",
    "tree_head": "the signed heads of that one log",
    "key_book": "the name of the one folder of keys of all agencies",
    "owner_mark": "where a service's whole database stands",
    "log_key": "one worker signs the heads for all agencies",
}


def metadata_of(package: Path) -> MetaData:
    """The metadata of a service with the tables of all its slices."""
    for file in sorted(package.rglob("tables.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        importlib.import_module(".".join(parts))
    return importlib.import_module(f"{package.name}.base").metadata


def complaints(metadata: MetaData) -> list[str]:
    """Say which columns do not tell what they are, and which tables whose they are."""
    found = []
    for table in metadata.tables.values():
        if "agency" not in table.columns and table.name not in OF_NO_AGENCY:
            found.append(f"{table.name} has no agency")
        found += [f"{table.name}.{column.name} {words}" for column in table.columns for words in _complaints(column)]
    return found


def _complaints(column: Column[object]) -> list[str]:
    if column.info.get("personal") is False:
        return []
    if column.info.get("personal") is not True:
        return ["is neither `plain` nor `personal`"]
    found = []
    purpose, record_class = column.info.get("purpose"), column.info.get("record_class")
    if not isinstance(purpose, str) or len(purpose.strip()) < SHORTEST_PURPOSE:
        found.append(f"has no purpose: {purpose!r}")
    if record_class not in RECORD_CLASSES:
        found.append(f"goes with an unknown record class: {record_class!r}")
    return found
