"""Runs parts of the bench in other processes: a module that gets a task and prints its result, or a server."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.place import Place
from embedded.process import Process
from glem_local.broker import free_port

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 3600


async def run_module(module: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run `python -m module` with `task` as JSON, and return the JSON that it prints; raises RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(json.dumps(task).encode()), LIMIT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        message = f"{module} failed; it says why above"
        raise RuntimeError(message)
    found: dict[str, Any] = json.loads(output)
    return found


@asynccontextmanager
async def served(
    place: Place, name: str, arguments: list[str], environment: Mapping[str, str], port_name: str, ready: str
) -> AsyncIterator[Process]:
    """Run a server in a process, at a free port given by the variable `port_name`; yield it when it answers at `ready`."""
    port = free_port()
    wanted = {name: value for name, value in environment.items() if value} | {port_name: str(port)}
    process = Process(name, arguments, wanted, f"http://127.0.0.1:{port}", ready, place.home / f"{name}.log")
    process.start()
    try:
        await process.ready()
        yield process
    finally:
        await asyncio.to_thread(process.stop)
