"""The commands `verify` and `download-log`: of `glem-verify`, which installs alone, and of `glem`, which has them too."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console

from glem_verify import checks
from glem_verify.checks import Fault, Head, Key

PAGE = 10_000
SUITE = "http://127.0.0.1:8000/retention-worker"
Url = Annotated[str | None, typer.Option(help=f"The worker that keeps the log; of a suite on this machine: {SUITE}")]

console = Console(highlight=False)


def download_log(
    to: Annotated[Path, typer.Argument(help="File to write, a leaf per line; head and key are written next to it.")],
    url: Annotated[str, typer.Option(help="The worker that keeps the log.")] = SUITE,
) -> None:
    """Download the log of erasures with its newest head and its key."""
    with _client(url) as client:
        head = _get(client, "/log/head")
        leaves: list[str] = []
        while len(leaves) < head["size"]:
            page = _get(client, "/log/leaves", start=len(leaves), limit=min(PAGE, head["size"] - len(leaves)))["leaves"]
            if not page:
                _give_up(f"The log has {head['size']} signed leaves and gives {len(leaves)} of them.")
            leaves += page
        to.write_text("".join(f"{leaf}\n" for leaf in leaves), encoding="utf-8")
        _next_to(to, "head").write_text(json.dumps(head), encoding="utf-8")
        _next_to(to, "key").write_text(json.dumps(_get(client, "/log/key")), encoding="utf-8")
    console.print(f"{len(leaves)} leaves are in {to}.")


def verify(
    log: Annotated[Path | None, typer.Argument(help="A downloaded log.")] = None,
    key: Annotated[Path | None, typer.Option(help="The log's key; else the one next to the log.")] = None,
    head: Annotated[
        list[Path] | None, typer.Option(help="Heads; else the one next to the log. Older ones find a fork.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option(help="A receipt as it was given before the erasure.")] = None,
    proof: Annotated[Path | None, typer.Option(help="The log's answer about the receipt, kept in a file.")] = None,
    url: Url = None,
) -> None:
    """Check a downloaded log, a receipt, or heads kept from earlier; offline except with --url. The exit status is 1 if there is a fault."""
    try:
        if receipt is not None and log is None:
            faults = _receipt(receipt, key, proof, url)
        elif log is not None:
            faults = _log(log, key, head, receipt)
        elif head and url:
            faults = _heads(head, key, url)
        else:
            _give_up("Name a log, or a receipt with --url or --proof, or heads with --url.")
    except (OSError, ValueError) as error:
        _give_up(str(error))
    for fault in faults:
        console.print(f"[red]{fault.kind}[/red]: {fault.text}")
    if faults:
        raise typer.Exit(1)


def _log(log: Path, key: Path | None, heads: list[Path] | None, receipt: Path | None) -> list[Fault]:
    lines = log.read_bytes().splitlines()
    known = Key(_read(key or _next_to(log, "key")))
    own = _next_to(log, "head")
    found = [Head.read(_read(path)) for path in [*(heads or []), *([own] if own.exists() else [])]]
    faults = checks.check_log(lines, found, known)
    if receipt is not None:
        wanted = _read(receipt)
        if wanted.get("log_id") != known.log_id:
            faults.append(Fault("wrong-key", "The receipt is of another log."))
        index, against = checks.find_receipt(wanted, lines)
        faults += against
        if index is not None:
            console.print(f"The record is leaf {index}: {lines[index].decode()}", markup=False)
    if not faults:
        newest = max(found, key=lambda each: each.size)
        console.print(
            f"All {len(lines)} leaves are as they were signed at {newest.signed_at}, root {newest.root.hex()}."
        )
    return faults


def _receipt(receipt: Path, key: Path | None, proof: Path | None, url: str | None) -> list[Fault]:
    wanted = _read(receipt)
    commitment = checks.commitment_of(wanted)
    if proof is not None:
        answer = _read(proof)
    elif url is not None:
        with _client(url) as client:
            answer = _get(client, f"/log/receipts/{commitment}", missing_ok=True)
        if not answer:
            return [Fault("not-found", "The log has no leaf for this receipt: the record was not erased, or not yet.")]
    else:
        _give_up("A receipt is checked with --url, with --proof, or in a downloaded log.")
    # The receipt names its log by the hash of the key, so the answer cannot bring another key.
    faults = checks.check_receipt(wanted, answer, Key(_read(key) if key else answer["key"]))
    if not faults:
        leaf = json.loads(answer["leaf"])
        console.print(f"The record was {leaf['action']} in the hour from {leaf['hour']}; leaf {answer['index']}.")
    return faults


def _heads(heads: list[Path], key: Path | None, url: str) -> list[Fault]:
    faults: list[Fault] = []
    with _client(url) as client:
        newest = Head.read(_get(client, "/log/head"))
        known = Key(_read(key) if key else _get(client, "/log/key"))
        for path in heads:
            kept = Head.read(_read(path))
            if kept.size > newest.size:
                faults.append(Fault("truncated", f"{kept.size} leaves were signed; the log has {newest.size}."))
                continue
            answer: dict[str, Any] = {"proof": []}
            if kept.size:
                answer = _get(client, "/log/proof/consistency", first=kept.size, second=newest.size)
            steps = [bytes.fromhex(step) for step in answer["proof"]]
            faults += checks.check_heads(kept, newest, steps, known)
    if not faults:
        console.print(f"The log has only grown, to {newest.size} leaves.")
    return faults


def _next_to(log: Path, what: str) -> Path:
    return log.with_suffix(f".{what}.json")


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not a JSON object")  # noqa: TRY004  the caller tells all wrong files alike
    return content


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=60)


def _get(client: httpx.Client, path: str, *, missing_ok: bool = False, **params: int) -> dict[str, Any]:
    try:
        answer = client.get(path, params=params)
        if missing_ok and answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        answer.raise_for_status()
    except httpx.HTTPError as error:
        _give_up(f"The log does not answer at {client.base_url} ({type(error).__name__}).")
    content: dict[str, Any] = answer.json()
    return content


def _give_up(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", highlight=False, markup=False)
    raise typer.Exit(2)


app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check a Glem log of erasures, and its receipts.")
app.command()(verify)
app.command()(download_log)


def main() -> None:
    """Run the command; the entry point of the installed `glem-verify`."""
    app()
