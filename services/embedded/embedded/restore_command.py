"""The command `glem restore-check`."""

import time
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console

from embedded.services import SERVICES

POLL_SECONDS = 0.5
SUITE = "http://127.0.0.1:8000"

console = Console(highlight=False)


def restore_check(
    url: Annotated[str, typer.Option(help="A suite with each service below its name.")] = SUITE,
    service: Annotated[
        list[str] | None, typer.Option(help="NAME=URL of a service by itself; several times. Then --url is not used.")
    ] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait until all serve.")] = 3600.0,
) -> None:
    """Show the progress of services whose databases came from a backup, and wait until all serve. The exit status is 1 if one does not serve in time."""
    if service and any("=" not in pair for pair in service):
        _give_up("A service is named like this: --service loan-api=http://127.0.0.1:8002")
    places = (
        dict(pair.split("=", 1) for pair in service)
        if service
        else {known.name: f"{url}/{known.name}" for known in SERVICES}
    )
    shown: dict[str, str] = {}
    deadline = time.monotonic() + patience
    with httpx.Client(timeout=10) as client:
        while True:
            states = {name: _state(client, place) for name, place in places.items()}
            for name, (_, text) in states.items():
                if shown.get(name) != text:
                    console.print(f"{name:<18} {text}")
                    shown[name] = text
            if all(ready for ready, _ in states.values()):
                return
            if time.monotonic() > deadline:
                raise typer.Exit(1)
            time.sleep(POLL_SECONDS)


def _state(client: httpx.Client, place: str) -> tuple[bool, str]:
    try:
        answer: dict[str, Any] = client.get(f"{place}/health/ready").json()
    except (httpx.HTTPError, ValueError) as error:
        return False, f"does not answer ({type(error).__name__})"
    restore = answer["restore"]
    text = f"{restore['state']}; {restore['lines']} lines replayed, {restore['erased_again']} records erased again"
    return answer["ready"], text if answer["ready"] else f"{text}; not ready"


def _give_up(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", highlight=False)
    raise typer.Exit(2)
