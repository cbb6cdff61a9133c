"""Migrations are drafted by one command, and follow one another in every service."""

from __future__ import annotations

import importlib
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, text

from glem.migrations import upgrade
from glem_retention.personal import TIMESTAMP
from tests.house.draft_migration import compare, draft
from tests.house.schema import metadata_of
from tests.house.tree import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Fresh = Callable[[], Awaitable[str]]
    Copier = Callable[[Path], Path]

by_name = pytest.mark.parametrize("package", SERVICES, ids=lambda package: package.name)


@pytest.fixture
def folder_of(tmp_path: Path) -> Copier:
    """Copies a service's migrations, so that a draft is written beside the copy."""

    def copy(package: Path) -> Path:
        migrations = importlib.import_module(f"{package.name}.base").MIGRATIONS
        return shutil.copytree(migrations, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))

    return copy


def copy_of(metadata: MetaData) -> MetaData:
    copied = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(copied)
    return copied


@by_name
async def test_what_was_added_is_drafted_and_nothing_else(package: Path, folder_of: Copier, fresh_database: Fresh):
    folder, url, metadata = folder_of(package), await fresh_database(), metadata_of(package)
    before = sorted(folder.glob("versions/*.py"))
    assert await draft(url, folder, metadata, "change nothing") is None
    assert sorted(folder.glob("versions/*.py")) == before

    changed = copy_of(metadata)
    Table(
        "planted_thing",
        changed,
        Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
        Column("at", TIMESTAMP, nullable=False),
        Index("planted_thing_at", "at"),
    )
    changed.tables["outbox"].append_column(Column("urgent", Boolean, server_default=text("false"), nullable=False))
    file = await draft(url, folder, changed, "add the door log")
    assert file is not None
    assert file.name == f"{len(before) + 1:04}_add_the_door_log.py"
    written = file.read_text()
    assert f'down_revision = "{len(before):04}"' in written
    assert re.findall(r'op\.(\w+)\(\s*"(\w+)"', written) == [
        ("create_table", "planted_thing"),
        ("create_index", "planted_thing_at"),
        ("add_column", "outbox"),
    ]

    await upgrade(url, folder, changed)
    script, _ = await compare(url, changed)
    assert script.upgrade_ops.as_diffs() == []


@by_name
def test_migrations_are_numbered_without_gaps_or_doubles(package: Path):
    """Two branches may draft the same number; Alembic only warns of it."""
    files = sorted((package / "migrations" / "versions").glob("*.py"))
    said = [
        dict(re.findall(r'^(revision|down_revision)\b.*= "?(\w+)"?$', file.read_text(), re.MULTILINE)) for file in files
    ]
    numbers = [f"{place:04}" for place in range(1, len(files) + 1)]
    assert [file.name[:4] for file in files] == numbers
    assert [one["revision"] for one in said] == numbers
    assert [one["down_revision"] for one in said] == ["None", *numbers[:-1]]
