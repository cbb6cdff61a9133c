"""A service does not start when its declarations and the list of record classes disagree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table

from glem_contracts.record_classes import RECORD_CLASSES, Way
from glem_retention.records import DeclarationError, Records
from patron_api.base import metadata
from patron_api.notes.tables import INTERNAL_NOTES
from patron_api.records import DECLARED

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
