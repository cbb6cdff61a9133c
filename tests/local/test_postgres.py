"""The PostgreSQL server of our own keeps what it has, and always comes back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import textwrap
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from glem_local.broker import free_port
from glem_local.postgres import PostgresError, PostgresServer, temporary_postgres
from glem_local.postgres_programs import remove, remove_below

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="glem-test-"))
    yield path
    remove(path)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


async def test_a_fresh_database_is_empty_and_of_a_version_that_production_may_have(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    first, second = await fresh_database(), await fresh_database()
    assert first != second
    async with connected(first) as db:
        assert await db.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert int(await db.fetchval("SHOW server_version_num")) >= 150000


async def test_it_is_as_safe_as_in_production() -> None:
    async with temporary_postgres() as server, connected(server.url("postgres")) as db:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await db.fetchval(f"SHOW {setting}") == "on", setting
        assert await db.fetchval("SHOW listen_addresses") == ""
        assert await db.fetchval("SHOW timezone") == "UTC"
        assert await db.fetchval("SELECT lower('ÆØÅ')") == "æøå"


async def test_the_address_serves_sqlalchemy_and_alembic_too(
    fresh_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    url = (await fresh_database()).replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


async def test_its_folders_are_closed_to_others(postgres: PostgresServer) -> None:
    for path in (postgres.home, postgres.home / "socket", postgres.home / "cluster"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (postgres.home / "password").stat().st_mode & 0o177 == 0
    if os.geteuid() == 0:
        assert psutil.Process(postgres.pid).uids().effective != 0


async def test_nothing_personal_reaches_its_log(postgres: PostgresServer) -> None:
    async with connected(postgres.url("postgres")) as db:
        await db.execute("CREATE TABLE person (cpr text PRIMARY KEY)")
        await db.execute("INSERT INTO person VALUES ($1)", "6102034567")
        with pytest.raises(asyncpg.UniqueViolationError):
            await db.execute("INSERT INTO person VALUES ($1)", "6102034567")
        with pytest.raises(asyncpg.UniqueViolationError):
            await db.execute("INSERT INTO person VALUES ('6102034567')")
        await db.execute("DROP TABLE person")
    log = (postgres.home / "postgres.log").read_text(encoding="utf-8")
    assert "duplicate key" in log
    assert "6102034567" not in log


async def test_what_was_committed_is_there_after_kill_9(folder: Path) -> None:
    server = await PostgresServer.start(folder)
    try:
        await server.create_database("loans")
        await server.create_database("loans")
        async with connected(server.url("loans")) as db:
            await db.execute("CREATE TABLE loan (id int PRIMARY KEY)")
        for number in range(3):
            async with connected(server.url("loans")) as db:
                await db.execute("INSERT INTO loan VALUES ($1)", number)
                family = psutil.Process(server.pid).children(recursive=True)
                assert family
                await server.kill()
                assert not any(lives(process) for process in family)
            # No pause: the address must be a living one as soon as start returns. The second is killed in a hurry.
            server = await PostgresServer.start(folder, hurried=number == 0)
            async with connected(server.url("loans")) as db:
                assert await db.fetchval("SELECT count(*) FROM loan") == number + 1
    finally:
        await server.stop()


async def test_only_one_may_use_a_folder(postgres: PostgresServer) -> None:
    with pytest.raises(PostgresError, match="Another Glem is running"):
        await PostgresServer.start(postgres.home)
    async with connected(postgres.url("postgres")) as db:
        assert await db.fetchval("SELECT 1") == 1


async def test_a_server_whose_program_was_killed_is_taken_over(folder: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, os, signal, sys
        from pathlib import Path
        from glem_local.postgres import PostgresServer

        async def main():
            server = await PostgresServer.start(Path(sys.argv[1]))
            await server.create_database("kept")
            print(server.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
        """
    )
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    orphan = int(run.stdout)
    assert psutil.pid_exists(orphan)
    server = await PostgresServer.start(folder)
    try:
        assert server.pid != orphan
        async with connected(server.url("kept")) as db:
            assert await db.fetchval("SELECT 1") == 1
    finally:
        await server.stop()


async def test_a_tool_may_have_a_port_and_needs_the_password(folder: Path) -> None:
    server = await PostgresServer.start(folder, port=free_port())
    try:
        async with connected(server.tcp_url("postgres")) as db:
            assert await db.fetchval("SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://glem:wrong@127.0.0.1:{server.port}/postgres")
    finally:
        await server.stop()


async def test_a_path_too_long_for_a_socket_serves_too(folder: Path) -> None:
    folder.chmod(0o711)
    server = await PostgresServer.start(folder / ("long" * 30))
    try:
        async with connected(server.url("postgres")) as db:
            assert await db.fetchval("SELECT 1") == 1
    finally:
        await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
async def test_a_folder_that_its_account_cannot_reach_is_kept_elsewhere(folder: Path) -> None:
    closed = folder / "data"
    server = await PostgresServer.start(closed)
    try:
        assert closed.is_symlink()
        assert closed.resolve() == server.home
        await server.create_database("kept")
    finally:
        await server.stop()
    server = await PostgresServer.start(closed)
    try:
        async with connected(server.url("kept")) as db:
            assert await db.fetchval("SELECT 1") == 1
    finally:
        await server.stop()
    remove(closed)
    assert not server.home.exists()
    assert not closed.exists()
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
async def test_what_is_kept_elsewhere_goes_with_the_folder_that_it_is_kept_for(folder: Path) -> None:
    """A killed program leaves gigabytes else, which nobody finds."""
    killed = await PostgresServer.start(folder / "killed")
    await killed.stop()
    (folder / "killed").unlink()
    running = await PostgresServer.start(folder / "running")
    try:
        assert not killed.home.exists()
        remove_below(folder / "elsewhere")
        remove_below(folder)
        async with connected(running.url("postgres")) as db:
            assert await db.fetchval("SELECT 1") == 1
        assert running.home.exists()
    finally:
        await running.stop()
    remove_below(folder / "elsewhere")
    assert running.home.exists()
    remove_below(folder)
    assert not running.home.exists()
