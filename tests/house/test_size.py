"""Modules stay small enough to be read, and the frame small enough to be known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.lines import logical_lines
from tests.house.tree import ROOT, files

LARGEST_MODULE = 400
LARGEST_FRAME = 1500
VOCABULARY = {"events"}
LARGEST_RETENTION = 500
ROOMS = ("shared", "services", "tests", "benchmarks", "deploy")


def test_no_module_is_longer_than_one_can_take_in():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS
    }
    assert len(lengths) > 50
    too_long = [f"{name}: {length} lines" for name, length in sorted(lengths.items()) if length > LARGEST_MODULE]
    assert not too_long, "split these:\n" + "\n".join(too_long)


def test_the_frame_stays_small():
    frame = ROOT / "shared" / "glem"
    lines = {
        path.relative_to(frame).as_posix(): logical_lines(path.read_text(encoding="utf-8"))
        for path in frame.rglob("*.py")
        if path.relative_to(frame).parts[0] not in VOCABULARY
    }
    for_owners = sum(count for name, count in lines.items() if name.startswith("retention/"))
    assert sum(lines.values()) - for_owners <= LARGEST_FRAME, f"{sum(lines.values()) - for_owners} lines: {lines}"
    assert for_owners <= LARGEST_RETENTION, f"{for_owners} lines: {lines}"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ('"""Only words."""\n', 0),
        ("# a comment\n\nx = 1  # another\n", 1),
        ('def f():\n    """Words\n    over lines.\n    """\n    return 1\n', 2),
        ("x = [\n    1,\n    2,\n]\n", 1),
        ('sql = """\n  SELECT 1\n  FROM x\n"""\n', 1),
        ("a = 1; b = 2\n", 1),
        ('class A:\n    "words"\n    x: int\n', 2),
        ("if x:\n    y()\nelse:\n    z()\n", 4),
    ],
)
def test_what_counts_as_a_line(source: str, lines: int):
    assert logical_lines(source) == lines


def test_the_decision_is_written_down():
    assert Path(ROOT / "docs" / "decisions" / "0004-what-counts-as-a-line.md").exists()
