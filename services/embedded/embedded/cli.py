"""The `glem` command."""

import asyncio
import json
import signal
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import typer
import uvicorn
import uvloop
from rich.console import Console

from embedded.development import default_agencies, development_app
from embedded.periods import parse_period
from embedded.restore_command import restore_check
from embedded.services import SERVICES
from embedded.suite import Suite, secrets_of
from glem.logs import configure_logs
from glem.service import KEEP_ALIVE_SECONDS
from glem_local.broker import BrokerError, free_port
from glem_local.mail import MailCatcher
from glem_retention.agencies import PolicyFileError
from glem_verify.commands import download_log, verify

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Glem: the library patron system that forgets on time."
)
console = Console()
DEFAULT_HOME = Path(".glem")
FOUR_LIBRARIES = default_agencies()

Greeting = Callable[[Suite, str, Console], Coroutine[None, None, None]]
Home = Annotated[Path, typer.Option(help="Where the suite keeps its data.")]
Agencies = Annotated[Path, typer.Option(help="Folder of the agencies' TOML files.")]

app.command()(verify)
app.command()(download_log)
app.command()(restore_check)


@app.command()
def run(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(help="Port of the suite.")] = 8000,
    agencies: Agencies = FOUR_LIBRARIES,
) -> None:
    """Serve the suite until stopped, with a mail catcher."""
    serve_until_stopped(home, agencies, port, greet=_show_administrator)


def serve_until_stopped(home: Path, agencies: Path, port: int, greet: Greeting) -> None:
    """Serve the suite until stopped; when it answers, call `greet` and print the addresses."""
    _serve_or_explain(partial(_serve, home, agencies, port, greet=greet))


@app.command(hidden=True)
def serve(
    home: Home,
    port: Annotated[int, typer.Option()] = 0,
    smtp_port: Annotated[int | None, typer.Option()] = None,
    frozen: Annotated[str | None, typer.Option(help="Stand still at this ISO time until travelled.")] = None,
    agencies: Agencies = FOUR_LIBRARIES,
    *,
    hurried: Annotated[bool, typer.Option("--hurried", help="Do not wait for the disk.")] = False,
) -> None:
    """Serve an empty suite for a program; prints one line of JSON when ready."""
    served = partial(_serve, home, agencies, port or free_port(), smtp_port=smtp_port, frozen=frozen, hurried=hurried)
    _serve_or_explain(served)


@app.command()
def travel(
    period: Annotated[str, typer.Argument(help="How far: 30d, 12h, 90m, 45s.")],
    url: Annotated[str, typer.Option(help="Where the suite is served.")] = "http://127.0.0.1:8000",
) -> None:
    """Move the clock of a running suite forward, and wait until everything that became due is done."""
    try:
        answer = httpx.post(f"{url}/clock/travel", json={"seconds": parse_period(period).total_seconds()}, timeout=600)
        answer.raise_for_status()
    except ValueError as error:
        _give_up(str(error))
    except httpx.HTTPError as error:
        _give_up(f"No suite answers at {url} ({type(error).__name__}). Start one with: make run")
    else:
        console.print(f"It is now {answer.json()['now']}.")


@app.command()
def distributed(home: Home = Path(".glem-distributed")) -> None:
    """Serve the four services as processes of their own, on PostgreSQL and Apache Kafka, until stopped."""
    from embedded.processes import serve_distributed  # noqa: PLC0415  only this command starts processes

    try:
        asyncio.run(serve_distributed(home, console))
    except BrokerError as error:
        _give_up(str(error))


def _serve_or_explain(serving: Callable[[], Coroutine[None, None, None]]) -> None:
    # uvicorn raises the signal again after it has stopped: SIGTERM must not end this process before PostgreSQL has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvloop.run(serving())
    except PolicyFileError as error:
        _give_up(str(error))
    except KeyboardInterrupt:
        pass


def _give_up(message: str) -> None:
    Console(stderr=True).print(message, style="red", highlight=False)
    raise typer.Exit(2)


async def _serve(
    home: Path,
    agencies: Path,
    port: int,
    *,
    smtp_port: int | None = None,
    frozen: str | None = None,
    hurried: bool = False,
    greet: Greeting | None = None,
) -> None:
    configure_logs("WARNING")
    mail = None if smtp_port else MailCatcher(free_port())
    if mail is not None:
        mail.start()
    url = f"http://127.0.0.1:{port}"
    options = {
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp_port or (mail.port if mail else 0),
        "smtp_tls": "none",
        "sms_url": f"{url}/sms-gateway/messages",
        "port": port,
    }
    suite = await Suite.open(home, agencies, options, hurried=hurried)
    if frozen is not None:
        suite.clock.freeze(datetime.fromisoformat(frozen))
    config = uvicorn.Config(
        development_app(suite, mail),
        "127.0.0.1",
        port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    announcing = asyncio.create_task(_announce(server, suite, url, greet=greet))
    try:
        await server.serve()
    finally:
        announcing.cancel()
        await suite.close()
        if mail is not None:
            mail.stop()


async def _announce(server: uvicorn.Server, suite: Suite, url: str, *, greet: Greeting | None) -> None:
    while not server.started:  # noqa: ASYNC110  uvicorn tells in no other way
        await asyncio.sleep(0.02)
    if greet is None:
        administrator = {"user": "admin", "password": secrets_of(suite.home)["administrator"]}
        databases = {service.name: suite.postgres.url(service.database) for service in SERVICES}
        typer.echo(json.dumps({"url": url, "administrator": administrator, "postgres": databases}))
        return
    wide = Console(width=max(110, console.width), highlight=False)
    await greet(suite, url, wide)
    wide.print(f"Everything:      {url}/  (clock and caught mail: {url}/docs)")
    for service in SERVICES:
        wide.print(f"{service.name + ':':<16} {url}/{service.name}/docs")
    wide.print("Move the clock:  glem travel 30d     Stop: Ctrl-C; the data stays in " + str(suite.home))


async def _show_administrator(suite: Suite, _: str, to: Console) -> None:
    to.print(f"Administrator of every library: admin / {secrets_of(suite.home)['administrator']}")


def main() -> None:
    """Run the command; the entry point of the installed `glem`."""
    app()


if __name__ == "__main__":
    main()
