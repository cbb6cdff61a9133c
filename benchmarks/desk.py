"""Check-out and check-in over HTTP with a log-in, against Starlette with raw asyncpg."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jwt

from benchmarks import rival
from benchmarks.load import Result, Work, generate
from benchmarks.place import AGENCIES, Place, quiet_environment
from benchmarks.processes import served
from benchmarks.table import Row, compared
from embedded.process import Process
from glem.migrations import upgrade
from loan_api.base import MIGRATIONS, metadata

AGENCY = BRANCH = "DK-725900"
ITEMS, PATRONS, WORKS = 16_000, 4_000, 2_000
LENT, ENDED = 8_000, 40_000
CONNECTIONS = 24
WARM_UP_SECONDS, SECONDS = 2.0, 6.0
FILL = f"""
INSERT INTO borrower (patron_id, agency, version, erased, patron_group, age_band, home_branch, blocks, balance, balance_version)
    SELECT n, 'DK-725900', 1, false, 'adult', 15, 'DK-725900', '{{}}', 0, 0 FROM generate_series(1, {PATRONS}) n;
INSERT INTO work (agency, work_id, title, creator, type, language, popularity_rank, age_limit)
    SELECT 'DK-725900', 'w' || n, 'Title ' || n, 'Creator', 'book', 'da', n, 0 FROM generate_series(1, {WORKS}) n;
INSERT INTO item (item_id, agency, barcode, work_id, branch, price, state)
    SELECT n, 'DK-725900', 'b' || n, 'w' || (1 + n % {WORKS}), 'DK-725900', 20000,
        CASE WHEN n > {ITEMS} THEN 'on-loan' ELSE 'available' END FROM generate_series(1, {ITEMS + LENT}) n;
INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, returned_at, reminders,
        anchor, clock_version)
    SELECT n, 'DK-725900', 1 + n % {PATRONS}, CASE WHEN n > {ENDED} THEN n - {ENDED} + {ITEMS} ELSE 1 + n % {ITEMS} END,
        'w' || (1 + n % {WORKS}), 'DK-725900', began, (began + interval '28 days')::date, 0, ended, 0, ended,
        CASE WHEN ended IS NULL THEN 0 ELSE 1 END
    FROM (SELECT n, now() - n % 20 * interval '1 day' AS began,
        CASE WHEN n <= {ENDED} THEN now() - n % 20 * interval '1 hour' END AS ended
        FROM generate_series(1, {ENDED + LENT}) n) made;
VACUUM ANALYZE;
"""
FILL_RIVAL = f"""
INSERT INTO item SELECT 'b' || n, 'available' FROM generate_series(1, {ITEMS + LENT}) n;
INSERT INTO passage SELECT n, 'b' || n % {ITEMS}, n % {PATRONS}, now() FROM generate_series(1, {ENDED + LENT}) n;
VACUUM ANALYZE;
"""


async def measure(place: Place) -> list[Row]:
    """Return the rows of this measurement."""
    ours, alone, slow = [], [], []
    async with signed_token() as (token, jwks), _loan_api(place, jwks) as glem, _rival(place, token) as other:
        for _ in range(place.rounds):
            mine = await _ask(place, glem, token)
            theirs = await _ask(place, other, token)
            ours.append(mine.per_second)
            alone.append(theirs.per_second)
            slow.append(mine.p99)
    row = compared(
        f"check-out and check-in over HTTP with a log-in, {CONNECTIONS} connections (p99 {max(slow):.0f} ms)",
        "requests/s",
        ours,
        alone,
        "Starlette + asyncpg, one UPDATE, two INSERTs",
        "0.8 or more",
    )
    return [row]


async def _ask(place: Place, process: Process, token: str) -> Result:
    pairs = [(1 + number % PATRONS, f"b{1 + number}") for number in range(ITEMS)]
    port = int(process.url.rpartition(":")[2])
    work = Work(port, token, BRANCH, pairs, CONNECTIONS, place.seconds(WARM_UP_SECONDS), place.seconds(SECONDS))
    result = await generate(work)
    if result.failures or not result.per_second:
        message = f"{process.name} answered {result.statuses}"
        raise RuntimeError(message)
    return result


@asynccontextmanager
async def signed_token() -> AsyncIterator[tuple[str, str]]:
    """Yield a librarian's token, and the address of its issuer's key."""
    key = ec.generate_private_key(ec.SECP256R1())
    formats = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private = key.private_bytes(serialization.Encoding.PEM, *formats).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    shown = {**jwk.construct(public.decode(), "ES256").to_dict(), "kid": "bench", "use": "sig"}
    claims = {
        "iss": "glem",
        "aud": "glem",
        "sub": "bench",
        "role": "librarian",
        "agency": AGENCY,
        "scope": "circulation:write circulation:read",
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
    }
    document = orjson.dumps({"keys": [shown]})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(document)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + document)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield jwt.encode(claims, private, "ES256", {"kid": "bench"}), f"http://127.0.0.1:{port}/jwks.json"
    finally:
        server.close()


@asynccontextmanager
async def _loan_api(place: Place, jwks: str) -> AsyncIterator[Process]:
    url = await place.database("desk")
    await upgrade(url, MIGRATIONS, metadata)
    await _fill(url, FILL)
    broker = await place.broker()
    environment = {
        **quiet_environment(),
        "GLEM_DATABASE_URL": url,
        "GLEM_AGENCIES": str(AGENCIES),
        "GLEM_KAFKA": broker.bootstrap,
        "GLEM_TRANSPORT": "kafka",
        "GLEM_JWKS_URL": jwks,
        "GLEM_SERVICE_SECRET": "bench",
        "GLEM_SERVE_UNCHECKED": "true",
    }
    async with served(place, "loan-api", ["-m", "loan_api"], environment, "GLEM_PORT", "/health/ready") as process:
        yield process


@asynccontextmanager
async def _rival(place: Place, token: str) -> AsyncIterator[Process]:
    url = await place.database("rival")
    await _fill(url, rival.TABLES + FILL_RIVAL)
    environment = {"RIVAL_DATABASE": url, "RIVAL_TOKEN": token}
    async with served(place, "rival", ["-m", "benchmarks.rival"], environment, "RIVAL_PORT", "/live") as process:
        yield process


async def _fill(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements.split(";\n"):
            if statement.strip():
                await connection.execute(statement)
    finally:
        await connection.close()
