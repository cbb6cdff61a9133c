"""Every place where something might be left, each as bytes to search."""

import asyncio
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import orjson
import psutil

from tests.flows.suites import AnySuite

from .markers import forms

SERVICES = ("patron-api", "loan-api", "notifier", "retention-worker")
PAGES = ("/metrics", "/openapi.json", "/asyncapi.json", "/health/ready", "/health/live")


@dataclass
class Found:
    """How often each value was seen in each sink; only what was seen at least once."""

    hits: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    searched: dict[str, int] = field(default_factory=dict)

    def look(self, sink: str, content: bytes, needles: Mapping[str, list[bytes]]) -> None:
        """Search `content`; a sink may come in parts."""
        self.searched[sink] = self.searched.get(sink, 0) + len(content)
        for what, wanted in needles.items():
            if seen := sum(content.count(form) for form in wanted):
                self.hits[sink][what] += seen

    def of(self, what: str) -> dict[str, int]:
        """Return where `what` was seen, and how often."""
        return {sink: seen[what] for sink, seen in self.hits.items() if seen[what]}


@dataclass
class Place:
    """A running suite and the folders that it writes to."""

    suite: AnySuite
    home: Path
    kafka: Path | None = None

    async def search(self, values: Mapping[str, str], *, raw: bool = True) -> Found:
        """Search every sink for `values`; without `raw`, the database's own files are left out."""
        found = Found()
        needles = {what: forms(value) for what, value in values.items()}
        async for sink, content in self._everything(raw=raw):
            found.look(sink, content, needles)
        return found

    async def _everything(self, *, raw: bool) -> AsyncIterator[tuple[str, bytes]]:
        for service in SERVICES:
            async for table, content in rows(self.suite.databases[service]):
                yield f"table {service} {table}", content
            yield f"dump {service}", await asyncio.to_thread(dump, self.suite.databases[service])
        async for page, content in self._pages():
            yield f"page {page}", content
        for sink, content in self._files():
            yield sink, content
        if raw:
            async for sink, content in self._raw():
                yield sink, content

    async def _pages(self) -> AsyncIterator[tuple[str, bytes]]:
        async with httpx.AsyncClient(timeout=30) as client:
            for service in SERVICES:
                for page in PAGES:
                    answer = await client.get(self.suite.url(service) + page)
                    yield f"{service} {page}", answer.content

    def _files(self) -> Iterator[tuple[str, bytes]]:
        logs = self.home.parent
        for file, content in files(logs, {"log"}):
            if not file.startswith("kafka/records"):
                yield f"log {file}", content
        if self.kafka is not None:
            for _, content in files(self.kafka / "records"):
                yield "kafka segments", content
        # The travelled clock, the secrets, and the keys of bodies, which lie beside the databases.
        for file, content in files(self.home, {"json", "keys"}):
            yield f"file {file}", content

    async def _raw(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give the files of PostgreSQL's data folder, after a checkpoint, and by what they are."""
        connection = await asyncpg.connect(self.suite.databases["notifier"])
        try:
            await connection.execute("CHECKPOINT")
            folder = Path(await connection.fetchval("SHOW data_directory"))
        finally:
            await connection.close()
        for name, content in files(folder):
            yield f"raw {name.split('/')[0]}", content


async def rows(url: str) -> AsyncIterator[tuple[str, bytes]]:
    """Give every table of a database as bytes: every column of every row, bytes as they are."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT table_schema AS s, table_name AS t FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in tables:
            lines = await connection.fetch(f'SELECT * FROM "{schema}"."{table}"')
            yield table, b"\n".join(b"\t".join(map(cell, line.values())) for line in lines)
        # What PostgreSQL itself keeps of the rows: samples of the most common values.
        lines = await connection.fetch("SELECT s::text FROM pg_stats s")
        yield "pg_stats", "\n".join(line[0] for line in lines).encode()
    finally:
        await connection.close()


def cell(value: object) -> bytes:
    """One value as bytes: bytes as they are, all else as it is written."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else orjson.dumps(value, default=str)


def postmaster(folder: Path) -> psutil.Process:
    """The server that runs on `folder`."""
    return psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))


def dump(url: str) -> bytes:
    """What pg_dump, of the server's own version, writes of a database."""
    folder = asyncio.run(_data_directory(url))
    programs = Path(postmaster(folder).exe()).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    command = [programs / "pg_dump", "--dbname", url]
    return subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60).stdout


async def _data_directory(url: str) -> Path:
    connection = await asyncpg.connect(url)
    try:
        return Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def files(folder: Path, endings: set[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Give every file below `folder`, with its path there; files come and go while the suite runs."""
    for file in sorted(folder.rglob("*")):
        if endings is not None and file.suffix.removeprefix(".") not in endings:
            continue
        try:
            if file.is_file():
                # Kafka's indexes and PostgreSQL's WAL are made of zeros, to be filled later.
                yield str(file.relative_to(folder)), file.read_bytes().rstrip(b"\0")
        except FileNotFoundError:
            continue
