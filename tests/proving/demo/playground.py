"""`make run`: the suite on this machine with a small set of patrons and works, and a log-in for each role."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from embedded.cli import DEFAULT_HOME, FOUR_LIBRARIES, serve_until_stopped
from embedded.suite import Suite, secrets_of
from tests.proving.demo.seed import seed_small


async def show_logins(suite: Suite, url: str, console: Console) -> None:
    """Fill the suite where it is empty, and print who can log in."""
    administrator = {"user": "admin", "password": secrets_of(suite.home)["administrator"]}
    (await seed_small(url, administrator)).show(console, url)


def run(
    home: Annotated[Path, typer.Option(help="Where the suite keeps its data.")] = DEFAULT_HOME,
    port: Annotated[int, typer.Option(help="Port of the suite.")] = 8000,
) -> None:
    """Serve the suite until stopped, with a mail catcher and a small set of patrons and works."""
    serve_until_stopped(home, FOUR_LIBRARIES, port, greet=show_logins)


if __name__ == "__main__":
    typer.run(run)
