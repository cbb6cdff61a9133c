"""Every purpose of a personal column has one Danish wording, and it is kept once."""

from __future__ import annotations

from glem_retention.purposes import DANISH, in_danish, purposes_of, rows_of, without_rows
from tests.house.schema import metadata_of
from tests.house.tree import SERVICES


def test_every_purpose_has_its_danish_and_no_danish_is_left_over():
    declared = {without_rows(each.purpose) for package in SERVICES for each in purposes_of(metadata_of(package))}
    assert not (missing := declared - DANISH.keys()), f"add to glem_retention/purposes.toml: {sorted(missing)}"
    assert not (unused := DANISH.keys() - declared), f"take out of glem_retention/purposes.toml: {sorted(unused)}"


def test_a_purpose_keeps_its_rows_in_danish():
    assert in_danish("log in (R21, R69)") == "logge ind (R21, R69)"
    assert in_danish("log in for the child") == "logge ind for barnet"
    assert in_danish("collect seashells (R1)") == "collect seashells (R1)"


def test_the_rows_of_a_purpose_are_named_one_by_one():
    assert rows_of("which one gets automatic messages (R9-R11)") == ["R9", "R10", "R11"]
    assert rows_of("decide (R7, R14-R15)") == ["R7", "R14", "R15"]
    assert rows_of("erase the text together with the record it is about (H91)") == []
