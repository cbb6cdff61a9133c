"""`python -m tests.proving.demo`: months at four libraries; the exit status is 0 when the oracle finds nothing."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from tests.proving.demo import run_demo


def demo(
    days: Annotated[int, typer.Option(min=1)] = 120,
    loans: Annotated[int, typer.Option(min=1)] = 10_500,
    seed: Annotated[int, typer.Option()] = 2026,
    keep: Annotated[Path | None, typer.Option(help="Keep the data here.")] = None,
) -> None:
    """Live through months at four libraries, and let the oracle judge what was erased."""
    raise typer.Exit(uvloop.run(run_demo(days=days, loans=loans, seed=seed, keep=keep)))


if __name__ == "__main__":
    typer.run(demo)
