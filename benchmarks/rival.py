"""The rival at the desk: Starlette and raw asyncpg, one UPDATE and two INSERTs in a transaction per request, nothing else."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLES = """
CREATE TABLE item (barcode text PRIMARY KEY, state text NOT NULL);
CREATE TABLE passage (passage_id bigint PRIMARY KEY, barcode text NOT NULL, patron_id bigint, at timestamptz NOT NULL);
CREATE TABLE outbox (seq bigint GENERATED ALWAYS AS IDENTITY, topic text NOT NULL, key text NOT NULL, payload bytea NOT NULL);
"""
TOKENS = {f"Bearer {os.environ.get('RIVAL_TOKEN')}": "circulation:write"}
STATES = {"/loans": "on-loan", "/returns": "available"}


async def passage(request: Request) -> Response:
    """Check an item out or in."""
    if TOKENS.get(request.headers.get("authorization", "")) != "circulation:write":
        return Response(status_code=401)
    path = request.url.path
    wish = orjson.loads(await request.body())
    number, state = secrets.randbelow(2**53), STATES[path]
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        changed = await connection.fetchval(
            "UPDATE item SET state = $2 WHERE barcode = $1 AND state <> $2 RETURNING now()", wish["item"], state
        )
        if changed is None:
            return Response(status_code=409)
        await connection.execute(
            "INSERT INTO passage (passage_id, barcode, patron_id, at) VALUES ($1, $2, $3, $4)",
            number,
            wish["item"],
            wish.get("patron_id"),
            changed,
        )
        event = {"id": number, "item": wish["item"], "state": state, "at": changed}
        await connection.execute(
            "INSERT INTO outbox (topic, key, payload) VALUES ($1, $2, $3)", "passages", str(number), orjson.dumps(event)
        )
    answer = {"loan_id": number, "item": wish["item"], "state": state, "branch": wish["branch"], "at": changed}
    return Response(orjson.dumps(answer), 201 if state == "on-loan" else 200, media_type="application/json")


async def live(_: Request) -> Response:
    """Say that the process runs."""
    return Response(b"{}", media_type="application/json")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Hold the pool."""
    async with asyncpg.create_pool(os.environ["RIVAL_DATABASE"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


routes = [
    Route("/loans", passage, methods=["POST"]),
    Route("/returns", passage, methods=["POST"]),
    Route("/live", live),
]

if __name__ == "__main__":
    application = Starlette(routes=routes, lifespan=lifespan)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(os.environ["RIVAL_PORT"]),
        access_log=False,
        server_header=False,
        log_level="warning",
    )
