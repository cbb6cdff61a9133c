"""The drill: a suite of its own, its backups, and their return."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

from embedded.services import SERVICES
from glem.clients import trusted
from glem_local.postgres import PostgresServer
from tests.flows.library import Library
from tests.flows.suites import EmbeddedProcess

DATABASES = {service.name: service.database for service in SERVICES}
PATIENCE_SECONDS = 60.0


class Drill:
    """An embedded suite in a process of its own, on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder
        self.suite = EmbeddedProcess(self.home)
        self.library: Library

    async def open(self) -> "Drill":
        await self.suite.start()
        self.library = await Library(self.suite, "DK-767100", "DK-767100").open()
        return self

    async def stop(self) -> None:
        """End it in good order, PostgreSQL too."""
        self.suite._running.terminate()
        await asyncio.to_thread(self.suite._running.wait, 30)

    async def start(self) -> None:
        """Start it, and wait until every service serves."""
        await self.suite.start()
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not all([(await self.state(service))["ready"] for service in DATABASES]):
            assert asyncio.get_running_loop().time() < deadline, [await self.state(name) for name in DATABASES]
            await asyncio.sleep(0.1)

    async def state(self, service: str) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=30, verify=trusted()) as client:
            return (await client.get(self.suite.url(service) + "/health/ready")).json()

    async def dump(self, service: str) -> Path:
        """Take a backup of one service's database while the suite runs."""
        file = self.folder / f"{service}.dump"
        await self._program("pg_dump", "--format=custom", f"--file={file}", self.suite.databases[service])
        return file

    async def restore(self, service: str, file: Path, *, into_new: bool) -> None:
        """Stop the suite and bring a backup back, into the database that is there or into a new one of its name."""
        await self.stop()
        server = await PostgresServer.start(self.home / "postgres")
        try:
            name, arguments = DATABASES[service], ["--clean", "--if-exists"]
            if into_new:
                await self._program("dropdb", f"--maintenance-db={server.url('postgres')}", name)
                await server.create_database(name)
                arguments = []
            await self._program("pg_restore", *arguments, "--exit-on-error", f"--dbname={server.url(name)}", str(file))
        finally:
            await server.stop()

    def copy_files(self, to: str) -> None:
        """Copy the stopped server's files, as a snapshot of its disk would."""
        shutil.copytree(self._cluster, self.folder / to, symlinks=True, copy_function=shutil.copy2)

    def bring_files_back(self, copy: str) -> None:
        """Put a copy in the place of the stopped server's files."""
        owner = self._cluster.stat()
        shutil.rmtree(self._cluster)
        shutil.copytree(self.folder / copy, self._cluster, symlinks=True)
        for path in [self._cluster, *self._cluster.rglob("*")]:
            shutil.chown(path, owner.st_uid, owner.st_gid)

    @property
    def _cluster(self) -> Path:
        return (self.home / "postgres").resolve() / "cluster"

    async def _program(self, name: str, *arguments: str) -> None:
        from glem_local.postgres_programs import find_programs

        folder = find_programs(self._cluster, None).folder
        done = await asyncio.to_thread(
            subprocess.run, [str(folder / name), *arguments], capture_output=True, text=True, check=False, timeout=100
        )
        assert done.returncode == 0, done.stderr

    def said(self, words: str) -> bool:
        """Say whether the log of the suite has these words."""
        return words in self.log()

    def log(self) -> str:
        return (self.folder / "embedded.log").read_text()

    async def erased_again(self, service: str) -> int:
        return (await self.state(service))["restore"]["erased_again"]

    async def back(self, service: str, *where: tuple[str, str, str]) -> list[tuple[str, int]]:
        """Return what the register names as gone and is there all the same; `where`: record class, table, key."""
        found = []
        for record_class, table, key in where:
            gone = list(await self.library.registered(record_class))
            rows = await self.library.rows(service, f"SELECT {key} AS id FROM {table} WHERE {key} = ANY($1)", gone)
            found += [(record_class, row["id"]) for row in rows]
        return found
