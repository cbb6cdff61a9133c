"""One PostgreSQL database per service: a pool, and transactions that record events together with the state they describe."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from glem import outbox
from glem.clock import Clock
from glem.tracing import current_traceparent
from glem_contracts.events.envelope import Event, EventData

Connection = asyncpg.pool.PoolConnectionProxy

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    TimeoutError,
)


# Settings by which the server writes values into its own log: parameters, the DETAIL of an error ("Key (number)=(…) already
# exists"), plans with constants. Statements alone hold none, because ours are sent with bind parameters only.
_LOGS_VALUES = """
    WITH s AS (SELECT name, setting FROM pg_settings),
         is_logged AS (SELECT coalesce(bool_or(setting <> CASE name WHEN 'log_statement' THEN 'none' ELSE '-1' END), false) AS any
           FROM s WHERE name IN ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample')
                     OR name = 'auto_explain.log_min_duration')
    SELECT name || '=' || setting FROM s, is_logged WHERE
        name = 'log_error_verbosity' AND setting <> 'terse'
        OR name = 'log_parameter_max_length_on_error' AND setting <> '0'
        OR name IN ('log_parameter_max_length', 'auto_explain.log_parameter_max_length') AND setting <> '0' AND is_logged.any
        OR name IN ('debug_print_parse', 'debug_print_rewritten', 'debug_print_plan') AND setting <> 'off'
    ORDER BY 1"""


# A transaction that hangs would keep the server from removing dead rows (H71).
NOT_FOREVER = {"idle_in_transaction_session_timeout": "300s"}
_OLDEST = """
    SELECT coalesce(max(clock_timestamp() - xact_start), interval '0') FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Transaction:
    """An open transaction. Events recorded in it are written to the outbox just before it commits."""

    def __init__(self, connection: Connection, service: str, now: datetime) -> None:
        """Wrap `connection`, inside a transaction that `Database` has begun."""
        self._service = service
        self.now = now
        self.connection = connection
        self.events: list[tuple[str, Event]] = []
        self.tells = False
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.fetchval = connection.fetchval
        self.execute = connection.execute

    def record(self, agency: str, subject: int | str, data: EventData) -> Event:
        """Record an event about `subject`; it is sent after the commit, or never when the transaction fails."""
        event = Event.of(
            data,
            service=self._service,
            agency=agency,
            subject=subject,
            time=self.now,
            traceparent=current_traceparent(),
        )
        self.events.append((data.topic, event))
        self.tells = True
        return event

    def outbox_row(self, agency: str, subject: int | str, data: EventData) -> outbox.OutboxRow:
        """Return an event as a row that the caller inserts into the outbox by its own statement, together with the state."""
        event = Event.of(
            data,
            service=self._service,
            agency=agency,
            subject=subject,
            time=self.now,
            traceparent=current_traceparent(),
        )
        self.tells = True
        return outbox.OutboxRow(data.topic, event.subject, event.to_json())


class Database:
    """The connection pool of one service, and its transactions."""

    def __init__(self, pool: asyncpg.Pool, service: str, clock: Clock) -> None:
        """Use `pool`; `service` names the source of events."""
        self._pool = pool
        self._service = service
        self._listeners: list[Callable[[], None]] = []
        self.clock = clock
        self.fetch = pool.fetch
        self.fetchrow = pool.fetchrow
        self.fetchval = pool.fetchval
        self.execute = pool.execute

    @classmethod
    async def open(cls, url: str, service: str, clock: Clock, *, size: int = 10, patience: float = 30.0) -> "Database":
        """Connect to `url`, trying for `patience` seconds while the server does not answer; raises OSError after that."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                pool = await asyncpg.create_pool(
                    url,
                    min_size=1,
                    max_size=size,
                    init=_prepare_connection,
                    reset=_leave_as_is,
                    command_timeout=60,
                    server_settings={"application_name": service, "timezone": "UTC", **NOT_FOREVER},
                )
            except UNREACHABLE:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return cls(pool, service, clock)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit that recorded events."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end of the block and rolls back when the block raises."""
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                tx = Transaction(connection, self._service, self.clock.now())
                yield tx
                if tx.events:
                    await outbox.write(connection, tx.events)
            if tx.tells:
                for listener in self._listeners:
                    listener()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a connection outside a transaction, for advisory locks and COPY."""
        async with self._pool.acquire() as connection:
            yield connection

    async def now(self) -> datetime:
        """Return the database's time plus the clock's offset: it decides whether a record is due (H59)."""
        return self.clock.shown_at(await self._moment())

    async def _moment(self) -> datetime:
        moment: datetime = await self._pool.fetchval("SELECT clock_timestamp()")
        return moment

    async def skew(self) -> timedelta:
        """Return how far this machine's clock is ahead of the database's."""
        moment = await self._moment()
        # The same offset for both readings: the clock may travel while the database answers.
        return self.clock.now() - self.clock.shown_at(moment)

    async def settings_that_log_values(self) -> list[str]:
        """Return the server's settings that would write personal data into its own log (H86, H87)."""
        return [row[0] for row in await self._pool.fetch(_LOGS_VALUES)]

    async def oldest_transaction(self) -> timedelta:
        """Return the age of the oldest open transaction that this account may see; dead rows stay until it ends (H71)."""
        found: timedelta = await self._pool.fetchval(_OLDEST)
        return found

    async def close(self) -> None:
        """Close the pool, with a short wait for open transactions."""
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()


def columns_of(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return one array per column, as `unnest` needs them; no rows give empty arrays."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=orjson.loads)


async def _leave_as_is(_: asyncpg.Connection) -> None:
    """Do not reset a connection: no code here changes a session's state, and a reset is a round trip."""


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()
