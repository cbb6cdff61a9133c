"""The repository as the house tests see it: what git knows or would take."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = [
    ROOT / "services" / name / name.replace("-", "_")
    for name in ("patron-api", "loan-api", "notifier", "retention-worker")
]


@cache
def files() -> list[Path]:
    """Every file that is in the repository or new, without what .gitignore names."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> list[tuple[Path, str]]:
    """Every text file with its content."""
    found = []
    for path in files():
        try:
            found.append((path.relative_to(ROOT), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found
