"""What was recorded is sent: in order per record, at least once, whatever dies in between."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from glem import outbox
from glem import relay as relaying
from glem.relay import Relay
from glem.transport import TransportError
from glem_contracts.events import PatronErased
from glem_local.postgres import PostgresServer
from glem_local.postgres_programs import remove
from tests.glem.conftest import opened
from tests.glem.toys import AGENCY, SERVICE, FailingTransport, make_tables, running, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from glem.database import Database


@pytest.fixture
def transport() -> FailingTransport:
    return FailingTransport()


@pytest.fixture
def relay(database: Database, transport: FailingTransport) -> Relay:
    return Relay(database, transport, SERVICE)


async def record(database: Database, *subjects: int) -> None:
    async with database.transaction() as tx:
        for subject in subjects:
            tx.record(AGENCY, subject, PatronErased(patron_id=subject))


async def test_what_is_recorded_is_sent_at_once_and_in_order(
    relay: Relay, transport: FailingTransport, database: Database
):
    async with running(relay.run()):
        await record(database, 1, 2)
        await record(database, 3)
        await asyncio.wait_for(relay.drained(), 5)
        assert transport.keys() == ["1", "2", "3"]
        assert await relay.unsent() == 0
        assert orjson.loads(transport.sent[0].value)["data"]["patron_id"] == 1
        began = asyncio.get_running_loop().time()
        await record(database, 4)
        await asyncio.wait_for(relay.drained(), 5)
        assert asyncio.get_running_loop().time() - began < relaying.POLL_SECONDS


async def test_what_another_process_recorded_is_found_by_polling(
    relay: Relay, transport: FailingTransport, database_url: str
):
    async with opened(database_url) as other, running(relay.run()):
        await relay.drained()
        await record(other, 1)
        await until(lambda: transport.keys() == ["1"], seconds=5)


async def test_a_rolled_back_event_is_never_sent(relay: Relay, transport: FailingTransport, database: Database):
    async with running(relay.run()):
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as tx:
                tx.record(AGENCY, 1, PatronErased(patron_id=1))
                raise ZeroDivisionError
        await record(database, 2)
        await relay.drained()
    assert transport.keys() == ["2"]


async def test_what_was_sent_and_not_marked_is_sent_again(
    relay: Relay, transport: FailingTransport, database: Database
):
    transport.lose_answer = True
    await record(database, 1, 2)
    async with running(relay.run()):
        await until(lambda: len(transport.sent) == 4)
        await relay.drained()
    assert transport.keys() == ["1", "2", "1", "2"]
    assert await relay.unsent() == 0


async def test_a_relay_that_dies_between_sending_and_marking_is_succeeded(
    relay: Relay, transport: FailingTransport, database_url: str, database: Database
):
    await record(database, 1)
    real, sent = transport.publish, asyncio.Event()

    async def publish_and_hang(messages) -> None:
        await real(messages)
        sent.set()
        await asyncio.sleep(3600)

    transport.publish = publish_and_hang  # type: ignore[method-assign]
    async with running(relay.run()):
        await sent.wait()
    transport.publish = real  # type: ignore[method-assign]
    async with opened(database_url) as other:
        successor = Relay(other, transport, SERVICE)
        async with running(successor.run()):
            await successor.drained()
    assert transport.keys() == ["1", "1"]


@pytest.mark.parametrize(
    "error", [TransportError("away"), ConnectionError("away"), RuntimeError("bug"), KeyError("bug")]
)
async def test_a_transport_that_fails_is_tried_again_with_patience(
    relay: Relay, transport: FailingTransport, database: Database, error: Exception
):
    transport.broken = error
    async with running(relay.run()) as [task]:
        await record(database, 1)
        await until(lambda: relay.failures == 2)
        assert transport.attempts == 2
        assert not relay._idle.is_set()
        transport.broken = None
        await asyncio.wait_for(relay.drained(), 5)
        assert not task.done()
    assert transport.keys() == ["1"]
    assert relay.failures == 0


async def test_two_relays_on_one_database_send_once(
    relay: Relay, transport: FailingTransport, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relaying, "STANDBY_SECONDS", 0.02)
    async with opened(database_url) as other:
        standby = Relay(other, transport, SERVICE)
        async with running(relay.run()) as [first]:
            await relay.drained()
            async with running(standby.run()) as [second]:
                for number in range(50):
                    await record(database if number % 2 else other, number)
                await until(lambda: len(transport.sent) >= 50)
                await asyncio.sleep(0.05)
                assert transport.keys() == [str(number) for number in range(50)]
                assert standby.failures == 0
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                await record(database, 50)
                await until(lambda: transport.keys()[-1] == "50", seconds=5)
                assert not second.done()


async def test_order_per_record_holds_while_many_write_at_once(
    relay: Relay, transport: FailingTransport, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Numbers are given before the commit, so a lower one may show later: never before its record's next."""
    monkeypatch.setattr(relaying, "BATCH", 3)
    await database.execute("INSERT INTO thing (id, seen) SELECT n, 0 FROM generate_series(0, 7) n")
    written: dict[str, list[int]] = defaultdict(list)

    async def write(worker: int) -> None:
        for turn in range(40):
            key = (worker * 3 + turn) % 8
            async with database.transaction() as tx:
                number = await tx.fetchval("UPDATE thing SET seen = seen + 1 WHERE id = $1 RETURNING seen", key)
                await outbox.write(tx.connection, [(PatronErased.topic, make(tx, key, number))])
                await asyncio.sleep((worker * turn) % 5 * 0.002)
                written[str(key)].append(number)

    def make(tx, key: int, number: int):
        event = tx.record(AGENCY, key, PatronErased(patron_id=number))
        tx.events.clear()
        return event

    async with running(relay.run()):
        await asyncio.gather(*(write(worker) for worker in range(6)))
        await until(lambda: len(transport.sent) == 240)
    found: dict[str, list[int]] = defaultdict(list)
    for message in transport.sent:
        found[message.key].append(orjson.loads(message.value)["data"]["patron_id"])
    assert found == written


async def test_a_record_committed_between_two_looks_is_not_overtaken_by_its_next_event(
    transport: FailingTransport, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relaying, "BATCH", 3)
    lend = database.connection

    @asynccontextmanager
    async def lend_watched():
        async with lend() as connection:
            yield Watched(connection)

    class Watched:
        def __init__(self, connection) -> None:
            self.execute, self.fetchval, self._fetch = connection.execute, connection.fetchval, connection.fetch
            self.looks = 0

        async def fetch(self, *args):
            self.looks += 1
            if self.looks == 2:
                await slow.__aexit__(None, None, None)
                await record(database, 7, 7)
            return await self._fetch(*args)

    slow = database.transaction()
    tx = await slow.__aenter__()
    await outbox.write(tx.connection, [(PatronErased.topic, tx.record(AGENCY, 7, PatronErased(patron_id=1)))])
    tx.events.clear()
    await record(database, 10, 11, 12)
    monkeypatch.setattr(database, "connection", lend_watched)
    relay = Relay(database, transport, SERVICE)
    async with running(relay.run()):
        await until(lambda: len(transport.sent) == 6)
    ids = [orjson.loads(message.value)["data"]["patron_id"] for message in transport.sent if message.key == "7"]
    assert ids == [1, 7, 7]


async def test_a_backlog_goes_in_batches(
    relay: Relay, transport: FailingTransport, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relaying, "BATCH", 100)
    await record(database, *range(1050))
    async with running(relay.run()):
        await until(lambda: len(transport.sent) >= 1050)
        await relay.drained()
    assert transport.keys() == [str(number) for number in range(1050)]
    assert transport.attempts == 11


async def test_a_broker_that_came_back_empty_is_refilled(relay: Relay, transport: FailingTransport, database: Database):
    async with running(relay.run()):
        await record(database, 1, 2)
        await relay.drained()
        assert await relay.refill() == 2
        await asyncio.wait_for(relay.drained(), 5)
    assert transport.keys() == ["1", "2", "1", "2"]


async def test_rows_go_after_their_grace_and_only_if_they_were_sent(
    relay: Relay, transport: FailingTransport, database: Database
):
    async with running(relay.run()):
        await record(database, 1, 2)
        await relay.drained()
    await database.execute(
        "UPDATE outbox SET recorded_at = now() - interval '25 h', published_at = now() - interval '25 h' WHERE key = '1'"
    )
    await record(database, 3)
    await database.execute("UPDATE outbox SET recorded_at = now() - interval '25 h' WHERE key = '3'")
    assert await relay.tidy() == 1
    assert [row["key"] for row in await database.fetch("SELECT key FROM outbox ORDER BY seq")] == ["2", "3"]


async def test_a_relay_can_be_stopped_while_the_transport_hangs(
    relay: Relay, transport: FailingTransport, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relaying, "BATCH", 1)
    started = asyncio.Event()

    async def hang(_) -> None:
        started.set()
        await asyncio.sleep(3600)

    transport.publish = hang  # type: ignore[method-assign]
    await record(database, 1, 2)
    task = asyncio.create_task(relay.run())
    await started.wait()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


@asynccontextmanager
async def own_server() -> AsyncIterator[tuple[PostgresServer, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="glem-test-"))
    server = await PostgresServer.start(folder)
    try:
        yield server, folder
    finally:
        await asyncio.to_thread(remove, folder)


async def test_the_relay_outlives_the_death_of_its_database(transport: FailingTransport):
    async with own_server() as (server, folder):
        await server.create_database("toys")
        url = server.url("toys")
        await make_tables(url)
        async with opened(url) as database:
            relay = Relay(database, transport, SERVICE)
            async with running(relay.run()) as [task]:
                await record(database, 1)
                await relay.drained()
                transport.broken = TransportError("away")
                await record(database, 2)
                await server.kill()
                await until(lambda: relay.failures >= 2)
                transport.broken = None
                again = await PostgresServer.start(folder)
                try:
                    assert again.url("toys") == url
                    await until(lambda: transport.keys() == ["1", "2"], seconds=30)
                    await record(database, 3)
                    await until(lambda: transport.keys() == ["1", "2", "3"])
                    assert not task.done()
                finally:
                    await again.kill()


async def test_h64_what_the_broker_lost_is_sent_again_though_it_has_taken_more_since(
    relay: Relay, transport: FailingTransport, database: Database
):
    async with running(relay.run()):
        await record(database, 1, 2, 3)
        await asyncio.wait_for(relay.drained(), 5)
        assert await relay.make_good() == 0
        transport.sent.clear()
        await record(database, 4, 5, 6, 7)
        await asyncio.wait_for(relay.drained(), 5)
        assert await relay.make_good() == 7
        await asyncio.wait_for(relay.drained(), 5)
        assert transport.keys() == ["4", "5", "6", "7", "1", "2", "3", "4", "5", "6", "7"]
        assert await relay.make_good() == 0
