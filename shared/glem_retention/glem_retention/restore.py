"""Restored databases: a service recognises one by itself, and serves nobody until the erased records are erased again.

The risk. A backup brings back every record that was erased after it. Shown to anybody, it breaks the promise; and people who
restore at night forget steps. So nothing here needs an operator (H78, H80, decision 0008).

The principle. A mark says where a database stands: its identity, its WAL position, the number of its newest event. The service
stores it every ten seconds, with the retention worker and in a file. A database that does not follow a stored mark came from a
backup or a replica. Until this is checked, the service is shut: safe comes before available.

The order of work, in a restored database. (1) `before_replay`: the owner raises the versions that
others follow, or gives up its old queue of messages. (2) Read the other
services' events again. (3) The worker forgets its versions of this owner's clocks. (4) Replay the register. (5) Audits, until
no record is past its period. (6) Store the new mark, and open. A database that was not restored replays only the register's
lines since the last mark, which covers a loss of the last seconds.

The transactions. The replay erases by the deletion of each record class: one transaction for each page, agency, class and
outcome. It erases what exists and records events for it, so that repeating it changes nothing. The worker's orders are carried
out meanwhile, but the mark is read before anything is written, so that they cannot hide a restore.

What a crash leaves. The old mark is stored until (6), so the next start finds the same and begins again.

What it cannot find: a restore of database, register and file together, as one image; keep one of them elsewhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import structlog
from prometheus_client import Gauge

from glem.clients import Clients, PeerError
from glem.database import Database, Transaction
from glem.metrics import Metrics
from glem.transport import Transport, TransportError
from glem_contracts.marks import AUDIT, KEEP_MARK, READ_MARK, TAKE_BACK, KnownMark, Mark
from glem_contracts.register import READ_REGISTER, LinesWanted

log = structlog.get_logger(__name__)

BEAT_SECONDS = 10.0
RETRY_SECONDS = 0.5
PATIENCE_SECONDS = 5.0
PAGE = 5000
# More lines than can have been in uncommitted transactions while the last mark was stored.
OVERLAP = 1000
# So few unread events count as none: new ones arrive all the time.
FEW_EVENTS = 100
WORKER = "retention-worker"

Forget = Callable[[Transaction, str, str, Sequence[int]], Awaitable[int]]


async def do_nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Restorable:
    """What a service does when its database came from a backup.

    `erase_again`, by record class: erases those of (agency, outcome, ids) that exist, and returns how many. `before_replay` runs
    first, perhaps several times. `rereads_events`: whether the service handles the other services' events again.
    """

    erase_again: Mapping[str, Forget]
    before_replay: Callable[[], Awaitable[None]] = do_nothing
    rereads_events: bool = True


HERE = """
SELECT (pg_control_system()).system_identifier, d.oid::bigint AS database_oid, 'outbox'::regclass::oid::bigint AS outbox_oid,
    ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int AS timeline,
    (pg_current_wal_flush_lsn() - '0/0')::bigint AS lsn,
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass), 0) AS events
FROM pg_database d WHERE d.datname = current_database()
"""


async def read_mark(database: Database) -> Mark:
    """Return the mark of the database."""
    [row] = await database.fetch(HERE)
    return Mark.model_validate(dict(row))


@dataclass
class Guard:
    """Keeps one service shut while its database may hold erased records. The worker's own mark is in its file only."""

    service: str
    database: Database
    clients: Clients
    transport: Transport
    metrics: Metrics
    witness: Path | None = None
    unchecked: bool = False
    closed: bool = False
    state: str = "open"
    lines: int = 0
    erased: int = 0
    restorable: Restorable = field(default_factory=lambda: Restorable({}, rereads_events=False))
    _last: Mark | None = None
    _found: Mark | None = None

    def __post_init__(self) -> None:
        """Register the figures."""
        registry = self.metrics.registry
        self._shut = Gauge("glem_shut", "1 while nobody is served, until no erased record is back.", registry=registry)
        self._lines = Gauge("glem_restore_lines", "Lines of the register replayed since the start.", registry=registry)
        self._back = Gauge("glem_restore_erased", "Records that had come back, erased again.", registry=registry)

    def shut(self) -> None:
        """Serve nobody until `run` has checked the database; a composition calls this before it serves."""
        if self.unchecked:
            log.critical("serving_unchecked", service=self.service)
            return
        self.closed, self.state, self._found = True, "checking", None
        self._shut.set(1)

    async def look(self) -> Mark:
        """Read the mark once, before anything is written: writes could move the database to the position of the stored mark."""
        if self._found is None:
            self._found = await read_mark(self.database)
        return self._found

    def report(self) -> dict[str, object]:
        """Describe the state for people to read."""
        return {"state": self.state, "lines": self.lines, "erased_again": self.erased}

    async def run(self) -> None:
        """Check, replay and open; then store the mark at intervals until cancelled."""
        waited = 0.0
        while True:
            wait = RETRY_SECONDS
            try:
                if self.closed:
                    await self._open()
                if await self.beat() or not self.closed:
                    wait = BEAT_SECONDS
            except (PeerError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TransportError) as error:
                # Services that start together wait for each other: a warning is due only when it lasts.
                report = log.warning if waited >= PATIENCE_SECONDS else log.info
                report("restore_check_waits", service=self.service, kind=type(error).__name__)
                waited += wait
            else:
                waited = 0.0
            await asyncio.sleep(wait)

    async def beat(self) -> bool:
        """Store the mark and return True; if the database was replaced under the running service, shut and return False."""
        if self.closed or self.state == "open":
            return False
        mark = await read_mark(self.database)
        if self._last is not None and not mark.follows(self._last):
            self.shut()
            return False
        await self._store(mark)
        return True

    async def _open(self) -> None:
        found, here = await self.look(), await read_mark(self.database)
        known = await self._known()
        marks = [mark for mark in (known, self._witnessed()) if mark is not None]
        restored = not here.follows(found) or any(not found.follows(mark) for mark in marks)
        if restored:
            self.state = "restoring"
            log.critical("database_restored", service=self.service)
            await self.restorable.before_replay()
            if self.restorable.rereads_events:
                await self.transport.rewind(self.service)
                await self._caught_up()
        if self.service != WORKER:
            if restored:
                await self.clients.call(WORKER, TAKE_BACK, service=self.service)
            await self._replay(0 if restored or known is None else max(0, known.entry - OVERLAP))
            if restored:
                await self._audit()
        await self._store(await read_mark(self.database))
        self.closed, self.state = False, "serving"
        self._shut.set(0)
        if restored:
            log.critical("database_restored_and_cleared", service=self.service, lines=self.lines, erased=self.erased)

    async def _replay(self, after: int) -> None:
        """Erase again the records of the register's lines after line `after`."""
        while True:
            wanted = LinesWanted(after=after, limit=PAGE, record_class=list(self.restorable.erase_again))
            page = await self.clients.call(WORKER, READ_REGISTER, wanted)
            if not page.entries:
                return
            runs: dict[tuple[str, str, str], list[int]] = {}
            for line in page.entries:
                runs.setdefault((line.agency, line.record_class, line.outcome), []).append(line.record_id)
            for (agency, record_class, outcome), ids in runs.items():
                async with self.database.transaction() as tx:
                    self.erased += await self.restorable.erase_again[record_class](tx, agency, outcome, ids)
            after = page.next
            self.lines += len(page.entries)
            self._lines.set(self.lines)
            self._back.set(self.erased)
            if self.state == "restoring":
                log.warning("register_replayed", service=self.service, lines=self.lines, erased=self.erased)

    async def _audit(self) -> None:
        """Wait until the worker's audit finds no record past its period; the worker orders away those that it finds."""
        while (await self.clients.call(WORKER, AUDIT, service=self.service)).overdue:  # noqa: ASYNC110  it asks anew
            await asyncio.sleep(RETRY_SECONDS)

    async def _caught_up(self) -> None:
        while (await self.transport.lag()).get(self.service, 0) > FEW_EVENTS:  # noqa: ASYNC110  the broker tells in no other way
            await asyncio.sleep(RETRY_SECONDS)

    async def _known(self) -> KnownMark | None:
        return None if self.service == WORKER else await self.clients.call(WORKER, READ_MARK, service=self.service)

    async def _store(self, mark: Mark) -> None:
        if self.service != WORKER:
            await self.clients.call(WORKER, KEEP_MARK, mark, service=self.service)
        if self.witness is not None:
            # Not in a thread: two writes at once (one may be the last of a stopping service) would remove each other's new file.
            _write(self.witness / f"{self.service}.json", mark.model_dump_json())
        self._last = mark

    def _witnessed(self) -> Mark | None:
        file = self.witness and self.witness / f"{self.service}.json"
        return Mark.model_validate_json(file.read_bytes()) if file and file.exists() else None


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)
