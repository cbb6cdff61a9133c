"""The tests of this tree by their names, and the names in a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NODE = re.compile(r"`([\w/]+\.py::\w+)`")
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def nodes_of(text: str) -> list[str]:
    """The tests that a text names, as `folder/test_file.py::test_name` below tests/."""
    return NODE.findall(text)


def every_test(root: Path) -> set[str]:
    """All tests below `root`/tests."""
    folder = root / "tests"
    return {
        f"{file.relative_to(folder).as_posix()}::{name}"
        for file in sorted(folder.rglob("test_*.py"))
        for name in TEST.findall(file.read_text())
    }
