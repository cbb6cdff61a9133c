"""The page of guarantees against the tests: every row that the suite answers for is there once, kept by a test or honestly not."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hard_cases.nodes import every_test, nodes_of

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| (R\d+(?:, R\d+)*) \|(.+)\|$", re.MULTILINE)
# The rows of the checklist that are of the suite itself; the others are of other systems, or of documents.
SPANS = [(1, 28), (30, 63), (65, 71), (73, 73), (75, 78), (99, 101), (106, 114)]
ROWS = [number for first, last in SPANS for number in range(first, last + 1)]


def page() -> str:
    return (ROOT / "docs" / "guarantees.md").read_text()


def lines() -> list[tuple[list[int], str]]:
    return [([int(row[1:]) for row in rows.split(", ")], rest) for rows, rest in LINE.findall(page())]


def test_every_row_is_there_exactly_once():
    assert sorted(number for rows, _ in lines() for number in rows) == ROWS


def test_every_line_is_kept_by_a_test_or_says_that_it_is_not_built():
    for rows, rest in lines():
        is_built = "Not built yet" not in rest
        assert bool(nodes_of(rest)) == is_built, f"R{rows[0]}"


def test_every_test_that_is_named_exists():
    missing = set(nodes_of(page())) - every_test(ROOT)
    assert not missing, missing
