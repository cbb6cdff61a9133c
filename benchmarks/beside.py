"""Runs a part of the bench in a process of its own: what to do goes in as JSON, what came of it comes back as JSON."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


async def beside(module: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run `python -m module` with `task`; raises RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        output, _ = await process.communicate(json.dumps(task).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        message = f"{module} failed; it says why above"
        raise RuntimeError(message)
    found: dict[str, Any] = json.loads(output)
    return found
