"""Doing an action again when another one was in its way."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import asyncpg

P = ParamSpec("P")
R = TypeVar("R")
TRIES = 5
IN_THE_WAY = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


def again(action: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Let `action` (one transaction) begin afresh when a parallel one took what it was about to take; then it sees so."""

    @wraps(action)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(TRIES - 1):
            try:
                return await action(*args, **kwargs)
            except IN_THE_WAY:
                await asyncio.sleep(0.01 * attempt)
        return await action(*args, **kwargs)

    return run
