"""The suite as a process of its own, started and stopped by the demo."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

START_SECONDS = 90
# Eight hundred PINs of nobody: at full strength their hashes alone would take half a minute.
LIGHT_HASHES = {"GLEM_ARGON2_MEMORY_KIB": "1024", "GLEM_ARGON2_PASSES": "1"}
STOP_SECONDS = 30


class SuiteDiedError(RuntimeError):
    """The suite did not start; the text is the end of what it printed."""


@dataclass(frozen=True)
class Served:
    """Where a running suite is, as its first line says."""

    url: str
    administrator: dict[str, str]
    postgres: dict[str, str]
    process_id: int


@asynccontextmanager
async def served_suite(home: Path, *, smtp_port: int, frozen: datetime) -> AsyncIterator[Served]:
    """Run `glem serve` in `home` with the clock standing at `frozen`; raises SuiteDiedError when it does not come up."""
    command = [sys.executable, "-m", "embedded.cli", "serve", "--home", str(home)]
    # Nobody needs this suite after a crash: the run would begin anew.
    command += ["--smtp-port", str(smtp_port), "--frozen", frozen.isoformat(), "--hurried"]
    log = home / "suite.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **LIGHT_HASHES, "PYTHONUNBUFFERED": "1"},
        )
    try:
        if process.stdout is None:
            message = "the suite has no output"
            raise SuiteDiedError(message)
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            answer = json.loads(line)
        except (TimeoutError, json.JSONDecodeError) as error:
            message = f"The suite did not start. {log} ends with:\n{log.read_text(errors='replace')[-2000:]}"
            raise SuiteDiedError(message) from error
        yield Served(answer["url"], answer["administrator"], answer["postgres"], process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
