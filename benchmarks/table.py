"""The one table that the bench prints."""

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure: Glem's, the rival's, and their ratio, each the median of its rounds."""

    what: str
    ours: str
    rival: str = ""
    ratio: str = ""
    aim: str = ""


def compared(what: str, unit: str, ours: Sequence[float], rival: Sequence[float], rival_name: str, aim: str) -> Row:
    """Return a row of medians; the ratio is the median over the rounds, each of which ran both, one after the other."""
    ratios = [mine / theirs for mine, theirs in zip(ours, rival, strict=True)]
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    return Row(
        what,
        f"{statistics.median(ours):,.0f} {unit}",
        f"{statistics.median(rival):,.0f} {unit} ({rival_name})",
        f"{statistics.median(ratios):.2f} ({spread})",
        aim,
    )


def show(rows: Sequence[Row], rounds: int) -> None:
    """Print the table, and the machine on which it was measured."""
    table = Table(title=f"Glem: medians of {rounds} rounds", caption=machine())
    for column in ("what", "Glem", "against", "ratio (spread)", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(row.what, row.ours, row.rival, row.ratio, row.aim)
    console = Console(width=170)
    console.print(table)
    console.print()
    console.print(
        "| what | Glem | against | ratio (spread) | aim |\n|---|---|---|---|---|", markup=False, highlight=False
    )
    for row in rows:
        line = f"{row.what} | {row.ours} | {row.rival} | {row.ratio} | {row.aim}"
        console.print(f"| {line} |", markup=False, highlight=False, soft_wrap=True)


def machine() -> str:
    """Describe this machine: processors, memory, Python."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
