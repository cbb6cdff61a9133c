"""The page of hard cases against the tests: each case is shown, or excepted with a reason, and no test is left out."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hard_cases.nodes import every_test, nodes_of

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| H(\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NUMBERED = re.compile(r"(?<=_h)\d+(?=_)")
SPANS = [
    (1, 2), (4, 5), (7, 15), (17, 17), (19, 19), (21, 21), (23, 24), (26, 27), (29, 31), (33, 35), (37, 39), (42, 43),
    (45, 46), (48, 49), (51, 53), (55, 55), (58, 61), (63, 65), (67, 68), (70, 72), (74, 74), (76, 78), (80, 83),
    (85, 89), (91, 98), (100, 101), (103, 108),
]  # fmt: skip
CASES = [number for first, last in SPANS for number in range(first, last + 1)]
# Other cases of ours under a number of the same list: a fee for what was due and returned together (docs/decisions).
OURS = {25}


def rows() -> dict[int, tuple[str, str]]:
    text = (ROOT / "docs" / "hard-cases.md").read_text()
    return {int(number): (words, shown) for number, words, shown in ROW.findall(text)}


def test_every_case_has_its_line_and_no_other():
    assert len(CASES) == 80
    assert list(rows()) == CASES


def test_every_case_is_shown_or_excepted_with_a_reason():
    for number, (words, shown) in rows().items():
        assert len(words) > 10, number
        if shown.startswith("excepted: "):
            assert len(shown) > 30, f"H{number} has no reason"
        else:
            assert nodes_of(shown), f"H{number} is not shown: {shown}"


def test_every_test_that_is_named_exists():
    known = every_test(ROOT)
    missing = [node for _, shown in rows().values() for node in nodes_of(shown) if node not in known]
    assert not missing, missing


def test_every_test_with_a_number_is_in_its_line():
    table = rows()
    for node in every_test(ROOT):
        for number in map(int, NUMBERED.findall("_" + node.partition("::")[2].removeprefix("test"))):
            if number not in OURS:
                assert node in nodes_of(table[number][1]), f"H{number}: add {node}"
