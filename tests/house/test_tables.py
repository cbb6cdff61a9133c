"""Every column says what it is for and what takes it away, and the migrations make exactly these tables."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlmodel import SQLModel

from glem.migrations import upgrade
from glem_retention.personal import personal, plain
from tests.house.draft_migration import compare
from tests.house.schema import OF_NO_AGENCY, complaints, metadata_of
from tests.house.tree import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

by_name = pytest.mark.parametrize("package", SERVICES, ids=lambda package: package.name)


@by_name
def test_h77_every_column_says_what_it_is(package: Path):
    metadata = metadata_of(package)
    assert len(metadata.tables) >= 3
    assert not (found := complaints(metadata)), "\n".join(found)


def test_the_exceptions_exist_and_have_a_reason():
    tables = {name for package in SERVICES for name in metadata_of(package).tables}
    assert set(OF_NO_AGENCY) <= tables
    assert all(len(reason) > 20 for reason in OF_NO_AGENCY.values())


@by_name
def test_tables_are_declared_in_slices_only(package: Path):
    for name in metadata_of(package).tables:
        assert name.replace("_", "").isalnum()
        assert name.islower()


def make_table(*columns: Column[object], name: str = "planted") -> MetaData:
    metadata = MetaData()
    Table(name, metadata, *columns)
    return metadata


AGENCY = {"info": {"personal": False}}


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({}, "is neither"),
        ({"personal": None}, "is neither"),
        ({"personal": True}, "no purpose"),
        ({"personal": True, "purpose": "x", "record_class": "loan"}, "no purpose"),
        ({"personal": True, "purpose": " " * 9, "record_class": "loan"}, "no purpose"),
        ({"personal": True, "purpose": "lend items", "record_class": "loans"}, "unknown record class"),
        ({"personal": True, "purpose": "lend items"}, "unknown record class"),
    ],
)
def test_h77_a_planted_column_is_found(info: dict[str, object], words: str):
    found = complaints(make_table(Column("agency", Text, **AGENCY), Column("loan_id", BigInteger, info=info)))
    assert any(words in complaint and complaint.startswith("planted.loan_id") for complaint in found), found


def test_a_column_planted_by_sqlmodel_alone_is_found():
    class Planted(SQLModel, table=True):
        __tablename__ = "planted"
        __table_args__ = {"extend_existing": True}
        planted_id: int = plain(primary_key=True)
        agency: str = plain()
        good: str = personal("lend items", "loan")
        bad: str

    metadata = MetaData()
    Planted.__table__.to_metadata(metadata)
    SQLModel.metadata.remove(Planted.__table__)
    assert complaints(metadata) == ["planted.bad is neither `plain` nor `personal`"]


def test_a_table_without_an_agency_is_found():
    column = Column("id", BigInteger, info={"personal": False})
    assert complaints(make_table(column)) == ["planted has no agency"]
    assert complaints(make_table(column._copy(), name="outbox")) == []


@by_name
async def test_the_migrations_make_exactly_the_tables(package: Path, fresh_database: Callable[[], Awaitable[str]]):
    metadata = metadata_of(package)
    base = importlib.import_module(f"{package.name}.base")
    url = await fresh_database()
    await upgrade(url, base.MIGRATIONS, metadata)
    await upgrade(url, base.MIGRATIONS, metadata)
    script, _ = await compare(url, metadata)
    assert script.upgrade_ops.as_diffs() == []


async def test_a_table_without_a_migration_would_be_found(fresh_database: Callable[[], Awaitable[str]]):
    metadata = make_table(Column("id", BigInteger, primary_key=True))
    script, _ = await compare(await fresh_database(), metadata)
    [(kind, table)] = script.upgrade_ops.as_diffs()
    assert (kind, table.name) == ("add_table", "planted")
