"""The relay: sends a service's outbox to the transport.

One relay per database (an advisory lock) sends the rows in the order of `seq`; `glem.outbox` explains the order.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog

from glem.database import Database
from glem.transport import Message, Transport, TransportError

log = structlog.get_logger(__name__)

GRACE = timedelta(hours=24)
BATCH = 2000
POLL_SECONDS = 0.5
GATHER_SECONDS = 0.02
STANDBY_SECONDS = 1.0
RELAY_LOCK = 0x676C656D  # "glem"


class Relay:
    """Sends one service's outbox to the transport: woken after each commit, polling as a safety net."""

    def __init__(self, database: Database, transport: Transport, service: str) -> None:
        """Serve `service`'s outbox in `database`."""
        self._database = database
        self._transport = transport
        self._service = service
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._awaited = asyncio.Event()
        self.failures = 0
        database.on_commit(self.wake)

    def wake(self) -> None:
        """Begin to send at once."""
        self._idle.clear()
        self._awake.set()

    async def drained(self) -> None:
        """Wait until everything recorded so far is sent."""
        self._awaited.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Send until cancelled, or wait while another process of the service sends. The wait after a failure doubles from 0.1 s to 5 s."""
        while True:
            try:
                async with self._database.connection() as connection:
                    if await connection.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):
                        try:
                            await self._send_until_failure(connection)
                        finally:
                            with suppress(Exception):
                                await connection.execute("SELECT pg_advisory_unlock($1)", RELAY_LOCK)
                await asyncio.sleep(STANDBY_SECONDS)
            except Exception as error:  # noqa: BLE001  nobody would notice that the relay has ended
                self.failures += 1
                log.warning("outbox_relay_failed", service=self._service, kind=type(error).__name__)
                await asyncio.sleep(min(5.0, 0.1 * 2 ** min(self.failures, 6)))

    async def _send_until_failure(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        while True:
            self._awake.clear()
            await self._send_all(connection)
            self.failures = 0
            busy = self._awake.is_set()
            if not busy:
                self._awaited.clear()
                self._idle.set()
            # While transactions commit one after another, wait for more: a batch of one costs nearly as much as one of twenty.
            # Not wait_for: before Python 3.12 it loses a cancellation that arrives together with the wake.
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS if busy else POLL_SECONDS):
                    await (self._awaited if busy else self._awake).wait()

    async def _send_all(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        rows = await self._unsent_besides(connection, [])
        sent: list[int] = []
        while rows:
            sending = asyncio.create_task(
                self._transport.publish([Message(row["topic"], row["key"], row["payload"]) for row in rows])
            )
            numbers = [row["seq"] for row in rows]
            try:
                # While the broker stores these rows, the last ones are marked and the next ones fetched.
                await self._mark(connection, sent)
                following = await self._unsent_besides(connection, numbers) if len(rows) == BATCH else []
                await sending
            finally:
                sending.cancel()
            rows, sent = following, numbers
        await self._mark(connection, sent)

    async def _mark(self, connection: asyncpg.pool.PoolConnectionProxy, sent: list[int]) -> None:
        if sent:
            await connection.execute(
                "UPDATE outbox SET published_at = now() WHERE published_at IS NULL AND seq = ANY($1::bigint[])", sent
            )

    async def _unsent_besides(
        self, connection: asyncpg.pool.PoolConnectionProxy, sending: list[int]
    ) -> list[asyncpg.Record]:
        # Not by "seq > last": a row with a lower seq may commit later, and the next event of its record with it.
        return await connection.fetch(
            "SELECT seq, topic, key, payload FROM outbox WHERE published_at IS NULL AND seq <> ALL($2::bigint[])"
            " ORDER BY seq LIMIT $1",
            BATCH,
            sending,
        )

    async def unsent(self) -> int:
        """Return how many events wait to be sent."""
        count: int = await self._database.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        return count

    async def refill(self) -> int:
        """Mark all rows of the grace period as unsent, for a broker that lost them; return how many."""
        status = await self._database.execute("UPDATE outbox SET published_at = NULL WHERE published_at IS NOT NULL")
        self.wake()
        return int(status.split()[-1])

    async def make_good(self) -> int:
        """Send everything again if a topic has stored fewer events than were sent to it (H64); return how many."""
        # Counted before the broker is asked, so that events sent in between are not missed.
        rows = await self._database.fetch(
            "SELECT topic, count(*) AS sent FROM outbox WHERE published_at IS NOT NULL GROUP BY topic"
        )
        try:
            taken = await self._transport.taken()
        except TransportError:
            return 0
        lost = [row["topic"] for row in rows if taken and taken.get(row["topic"], 0) < row["sent"]]
        if not lost:
            return 0
        log.critical("broker_lost_events", service=self._service, topics=lost)
        return await self.refill()

    async def tidy(self) -> int:
        """Delete sent rows past their grace period; return how many."""
        status = await self._database.execute(
            "DELETE FROM outbox WHERE recorded_at < now() - $1::interval AND published_at IS NOT NULL", GRACE
        )
        return int(status.split()[-1])
