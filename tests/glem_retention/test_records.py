"""A service does not start when its declarations and the list of record classes disagree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, MetaData, Table

from glem.clock import SystemClock
from glem.database import Database
from glem_contracts.record_classes import RECORD_CLASSES, Way
from glem_retention.records import DeclarationError, Records
from patron_api.base import MIGRATIONS, metadata
from patron_api.notes.tables import INTERNAL_NOTES
from patron_api.records import DECLARED
from tests.house.planting import plant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KOEGE, STRUER = "DK-725900", "DK-767100"

TABLES_OF_PATRONS = ("consent", "refresh_token")


def make_records(declared=DECLARED, more: MetaData = metadata) -> Records:
    return Records(owner="patron-api", metadata=more, declared=declared, with_patron=TABLES_OF_PATRONS)


def without(record_class: str) -> tuple:
    return tuple(item for item in DECLARED if item.record_class != record_class)


def test_what_is_complete_is_taken():
    assert set(make_records().disposers()) == {
        name for name, item in RECORD_CLASSES.items() if item.owner == "patron-api" and item.way is Way.CLOCK
    }


@pytest.mark.parametrize("record_class", sorted({item.record_class for item in DECLARED}))
def test_a_class_that_nobody_declares_stops_the_service(record_class: str):
    with pytest.raises(DeclarationError, match=rf"{record_class} is listed and not declared.*adding-a-record-class"):
        make_records(without(record_class))


def test_a_class_that_is_not_listed_stops_the_service():
    with pytest.raises(DeclarationError, match="planted-thing is declared and not listed as patron-api's"):
        make_records((*DECLARED, replace(INTERNAL_NOTES, record_class="planted-thing")))


@pytest.mark.parametrize("missing", ["anchor", "facts"])
def test_a_clock_without_an_anchor_or_facts_stops_the_service(missing: str):
    broken = replace(INTERNAL_NOTES, **{missing: ""})
    with pytest.raises(DeclarationError, match="internal-note goes by the clock: declare anchor and facts"):
        make_records((*without("internal-note"), broken))


def test_a_class_with_two_clocks_stops_the_service():
    with pytest.raises(DeclarationError, match="internal-note has a clock in two declarations"):
        make_records((*DECLARED, INTERNAL_NOTES))


@pytest_asyncio.fixture
async def database(migrated_database) -> AsyncIterator[Database]:
    opened = await Database.open(await migrated_database(MIGRATIONS, metadata), "patron-api", SystemClock(), size=2)
    yield opened
    await opened.close()


async def test_a_condition_with_an_or_reaches_no_other_record_and_no_other_agency(database: Database):
    widest = replace(INTERNAL_NOTES, only="kind = 'internal' OR kind = 'patron'")
    notes = {}
    async with database.connection() as connection:
        for agency, kind in ((KOEGE, "internal"), (KOEGE, "patron"), (STRUER, "internal")):
            patron = await plant(connection, metadata.tables["patron"], agency=agency)
            known = {"patron_id": patron["patron_id"], "agency": agency, "kind": kind}
            notes[agency, kind] = (await plant(connection, metadata.tables["note"], **known))["note_id"]
    ordered = [notes[KOEGE, "internal"], notes[STRUER, "internal"]]
    async with database.transaction() as tx:
        assert [row["id"] for row in await widest.present(tx, KOEGE, ordered)] == ordered[:1]
        assert [row["id"] for row in await widest.lock(tx, KOEGE, ordered)] == ordered[:1]
        assert [row["id"] for row in await widest.delete(tx, KOEGE, ordered)] == ordered[:1]
    left = await database.fetch("SELECT note_id FROM note")
    assert {row["note_id"] for row in left} == {notes[KOEGE, "patron"], notes[STRUER, "internal"]}


def test_a_class_without_a_section_of_the_export_or_a_reason_stops_the_service():
    with pytest.raises(DeclarationError, match="name its section of the export"):
        make_records((*without("internal-note"), replace(INTERNAL_NOTES, shown_as=None)))


def test_a_table_with_personal_data_that_no_declaration_names_stops_the_service():
    planted = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(planted)
    info = {"personal": True, "purpose": "count who comes in", "record_class": "patron"}
    Table("planted_thing", planted, Column("entry_id", BigInteger, primary_key=True, info=info))
    with pytest.raises(DeclarationError, match="table planted_thing holds personal data and no declaration names it"):
        make_records(more=planted)
