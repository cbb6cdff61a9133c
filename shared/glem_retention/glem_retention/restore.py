"""Restored databases, found by the service itself: it serves nobody until what the register names as gone is gone again.

Where a database stands is told to the retention worker all the time, and kept in a file outside the database as well. A
database that stands somewhere else, or before that, came from a backup or a replica (decision 0008).
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
# Lines of the register that were being entered while the last mark was made.
OVERLAP = 1000
# Events still to come when what the others told counts as heard: the newest come all the time.
NEARLY = 100
WORKER = "retention-worker"

Forget = Callable[[Transaction, str, str, Sequence[int]], Awaitable[int]]


async def nothing_more() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Restorable:
    """What a service does when its database came from a backup.

    `again`, by record class: erase those of (agency, outcome, ids) that are there, and return how many were. `first` is done
    before, perhaps several times. `relearns`: what others have told since the backup is wanted again.
    """

    again: Mapping[str, Forget]
    first: Callable[[], Awaitable[None]] = nothing_more
    relearns: bool = True


HERE = """
SELECT (pg_control_system()).system_identifier, d.oid::bigint AS database_oid, 'outbox'::regclass::oid::bigint AS outbox_oid,
    ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int AS timeline,
    (pg_current_wal_flush_lsn() - '0/0')::bigint AS lsn,
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass), 0) AS events
FROM pg_database d WHERE d.datname = current_database()
"""


async def read_mark(database: Database) -> Mark:
    """Return where the database stands."""
    [row] = await database.fetch(HERE)
    return Mark.model_validate(dict(row))


@dataclass
class Guard:
    """Keeps one service shut while its database may hold what is gone. The worker itself is compared with its file alone."""

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
    restorable: Restorable = field(default_factory=lambda: Restorable({}, relearns=False))
    _last: Mark | None = None
    _found: Mark | None = None

    def __post_init__(self) -> None:
        """Register the figures."""
        registry = self.metrics.registry
        self._shut = Gauge("glem_shut", "1 while nobody is served, until no erased record is back.", registry=registry)
        self._lines = Gauge("glem_restore_lines", "Lines of the register replayed since the start.", registry=registry)
        self._back = Gauge("glem_restore_erased", "Records that had come back, erased again.", registry=registry)

    def shut(self) -> None:
        """Serve nobody until `run` has looked at the database; a composition calls this before it serves."""
        if self.unchecked:
            log.critical("serving_unchecked", service=self.service)
            return
        self.closed, self.state, self._found = True, "checking", None
        self._shut.set(1)

    async def look(self) -> Mark:
        """Note where the database stands before anything is written to it, which may bring it to where it was known to be."""
        if self._found is None:
            self._found = await read_mark(self.database)
        return self._found

    def report(self) -> dict[str, object]:
        """Say how far it is, for people to read."""
        return {"state": self.state, "lines": self.lines, "erased_again": self.erased}

    async def run(self) -> None:
        """Look, replay what must be, open; then tell where the database stands until cancelled."""
        waited = 0.0
        while True:
            wait = RETRY_SECONDS
            try:
                if self.closed:
                    await self._open()
                if await self.beat() or not self.closed:
                    wait = BEAT_SECONDS
            except (PeerError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TransportError) as error:
                # Services that start together wait for each other: that is worth a word only when it lasts.
                tell = log.warning if waited >= PATIENCE_SECONDS else log.info
                tell("restore_check_waits", service=self.service, kind=type(error).__name__)
                waited += wait
            else:
                waited = 0.0
            await asyncio.sleep(wait)

    async def beat(self) -> bool:
        """Tell where the database stands; shut, and return False, when it was exchanged under the running service."""
        if self.closed or self.state == "open":
            return False
        mark = await read_mark(self.database)
        if self._last is not None and not mark.follows(self._last):
            self.shut()
            return False
        await self._tell(mark)
        return True

    async def _open(self) -> None:
        found, here = await self.look(), await read_mark(self.database)
        known = await self._known()
        told = [place for place in (known, self._witnessed()) if place is not None]
        restored = not here.follows(found) or any(not found.follows(place) for place in told)
        if restored:
            self.state = "restoring"
            log.critical("database_restored", service=self.service)
            await self.restorable.first()
            if self.restorable.relearns:
                await self.transport.rewind(self.service)
                await self._caught_up()
        if self.service != WORKER:
            if restored:
                await self.clients.call(WORKER, TAKE_BACK, service=self.service)
            await self._replay(0 if restored or known is None else max(0, known.entry - OVERLAP))
            if restored:
                await self._audit()
        await self._tell(await read_mark(self.database))
        self.closed, self.state = False, "serving"
        self._shut.set(0)
        if restored:
            log.critical("database_restored_and_cleared", service=self.service, lines=self.lines, erased=self.erased)

    async def _replay(self, after: int) -> None:
        """Erase again what the register names after line `after` and is here."""
        while True:
            wanted = LinesWanted(after=after, limit=PAGE, record_class=list(self.restorable.again))
            page = await self.clients.call(WORKER, READ_REGISTER, wanted)
            if not page.entries:
                return
            runs: dict[tuple[str, str, str], list[int]] = {}
            for line in page.entries:
                runs.setdefault((line.agency, line.record_class, line.outcome), []).append(line.record_id)
            for (agency, record_class, outcome), ids in runs.items():
                async with self.database.transaction() as tx:
                    self.erased += await self.restorable.again[record_class](tx, agency, outcome, ids)
            after = page.next
            self.lines += len(page.entries)
            self._lines.set(self.lines)
            self._back.set(self.erased)
            if self.state == "restoring":
                log.warning("register_replayed", service=self.service, lines=self.lines, erased=self.erased)

    async def _audit(self) -> None:
        """Wait until the worker finds nothing here that is past its period; it erases meanwhile what it finds."""
        while (await self.clients.call(WORKER, AUDIT, service=self.service)).overdue:  # noqa: ASYNC110  it asks anew
            await asyncio.sleep(RETRY_SECONDS)

    async def _caught_up(self) -> None:
        while (await self.transport.lag()).get(self.service, 0) > NEARLY:  # noqa: ASYNC110  the broker tells in no other way
            await asyncio.sleep(RETRY_SECONDS)

    async def _known(self) -> KnownMark | None:
        return None if self.service == WORKER else await self.clients.call(WORKER, READ_MARK, service=self.service)

    async def _tell(self, mark: Mark) -> None:
        if self.service != WORKER:
            await self.clients.call(WORKER, KEEP_MARK, mark, service=self.service)
        if self.witness is not None:
            # Not in a thread: two beats at once (one may be the last of a service that stops) would take each other's file away.
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
