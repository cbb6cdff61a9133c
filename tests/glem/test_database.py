"""State and event are one: both are kept, or neither."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from glem.clock import SystemClock, TravellingClock
from glem.database import UNREACHABLE, Database, columns_of
from glem.relay import Relay
from glem_contracts.events import ContactChanged
from glem_local.broker import free_port
from tests.glem.conftest import opened
from tests.glem.toys import AGENCY, SERVICE, FailingTransport, make_event

if TYPE_CHECKING:
    from pathlib import Path

    from glem_local.postgres import PostgresServer


async def outbox_keys(database: Database) -> list[str]:
    return [row["key"] for row in await database.fetch("SELECT key FROM outbox ORDER BY seq")]


async def things(database: Database) -> list[int]:
    return [row["id"] for row in await database.fetch("SELECT id FROM thing ORDER BY id")]


async def test_state_and_event_commit_together(database: Database):
    woken: list[bool] = []
    database.on_commit(lambda: woken.append(True))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO thing (id) VALUES (7)")
        event = tx.record(AGENCY, 7, ContactChanged(patron_id=7))
        assert await outbox_keys(database) == []
        assert not woken
    assert await things(database) == [7]
    assert await outbox_keys(database) == ["7"]
    assert await database.fetchval("SELECT payload FROM outbox") == event.to_json()
    assert event.time == tx.now
    assert woken == [True]


async def test_a_transaction_without_events_wakes_nobody(database: Database):
    woken: list[bool] = []
    database.on_commit(lambda: woken.append(True))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO thing (id) VALUES (7)")
    assert not woken


async def test_what_is_rolled_back_is_not_told(database: Database):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO thing (id) VALUES (7)")
            tx.record(AGENCY, 7, ContactChanged(patron_id=7))
            raise ZeroDivisionError
    assert await things(database) == []
    assert await outbox_keys(database) == []


async def test_an_event_that_cannot_be_written_takes_its_state_with_it(database: Database):
    await database.execute("ALTER TABLE outbox RENAME TO elsewhere")
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO thing (id) VALUES (7)")
            tx.record(AGENCY, 7, ContactChanged(patron_id=7))
    assert await things(database) == []
    await database.execute("ALTER TABLE elsewhere RENAME TO outbox")


async def test_a_connection_lost_in_a_transaction_leaves_nothing(database: Database):
    with pytest.raises(UNREACHABLE):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO thing (id) VALUES (7)")
            tx.record(AGENCY, 7, ContactChanged(patron_id=7))
            await database.execute("SELECT pg_terminate_backend($1)", tx.connection.get_server_pid())
            await tx.execute("INSERT INTO thing (id) VALUES (8)")
    assert await things(database) == []
    assert await outbox_keys(database) == []


async def test_a_caller_who_gives_up_at_any_moment_leaves_no_open_transaction(database_url: str):
    async def change(number: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO thing (id) VALUES ($1)", number)
            tx.record(AGENCY, number, ContactChanged(patron_id=number))

    async with opened(database_url, size=1) as database:
        for number in range(300):
            task = asyncio.create_task(change(number))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            if number % 3 == 0:
                await asyncio.sleep(number % 17 * 0.0001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with database.connection() as connection:
                assert not connection.is_in_transaction()
        assert [int(key) for key in await outbox_keys(database)] == await things(database)
        await change(1000)
        assert 1000 in await things(database)


async def test_a_server_that_is_away_is_waited_for_and_then_named():
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/x"
    began = asyncio.get_running_loop().time()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await Database.open(url, SERVICE, TravellingClock(None), patience=0.5)  # type: ignore[arg-type]
    assert 0.5 <= asyncio.get_running_loop().time() - began < 3


async def test_a_wrong_address_is_not_waited_for(database_url: str):
    began = asyncio.get_running_loop().time()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await Database.open(database_url.replace("toys_", "no_"), SERVICE, TravellingClock(None))  # type: ignore[arg-type]
    assert asyncio.get_running_loop().time() - began < 3


async def test_due_is_decided_by_the_databases_time_and_the_journeys(database_url: str, tmp_path: Path):
    clock = TravellingClock(tmp_path / "clock.json")
    async with opened(database_url, clock=clock) as database:
        clock.travel(timedelta(days=30))
        there = await database.fetchval("SELECT now()")
        assert timedelta() <= await database.now() - there - timedelta(days=30) < timedelta(seconds=5)
        assert abs(await database.skew()) < timedelta(seconds=1)
        instant = datetime.now(UTC) + timedelta(days=60)
        clock.freeze(instant)
        assert await database.now() == instant
        assert await database.skew() == timedelta()


async def test_a_clock_that_is_ahead_of_the_databases_is_seen(database_url: str):
    class Fast(TravellingClock):
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=10)

    async with opened(database_url, clock=Fast(database_url)) as database:  # type: ignore[arg-type]
        database.clock._path = "/nowhere"  # type: ignore[attr-defined]
        assert timedelta(minutes=9) < await database.skew() < timedelta(minutes=11)


async def test_times_and_json_come_back_as_they_went(database: Database):
    moment = datetime(2026, 10, 25, 0, 30, 0, 7, tzinfo=UTC)
    assert await database.fetchval("SELECT $1::timestamptz", moment) == moment
    assert await database.fetchval("SELECT $1::jsonb", {"æ": [1, None]}) == {"æ": [1, None]}
    assert await database.fetchval("SHOW timezone") == "UTC"


async def test_a_relay_that_stops_leaves_the_pool_in_order(database: Database):
    relay = Relay(database, FailingTransport(), SERVICE)  # type: ignore[arg-type]
    task = asyncio.create_task(relay.run())
    async with database.transaction() as tx:
        tx.record(AGENCY, 1, make_event(1).data)
    await relay.drained()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await database.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_columns_of_nothing_are_empty():
    assert columns_of([], 3) == [[], [], []]
    assert columns_of([(1, "a"), (2, "b")], 2) == [[1, 2], ["a", "b"]]


async def test_a_server_that_logs_values_is_told_of(database: Database, postgres: PostgresServer):
    assert await database.settings_that_log_values() == []
    name = await database.fetchval("SELECT current_database()")
    for setting, value in (
        ("log_error_verbosity", "verbose"),
        ("log_parameter_max_length_on_error", "-1"),
        ("debug_print_plan", "on"),
    ):
        await database.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    loud = await Database.open(postgres.url(name), "toys", SystemClock())
    assert [found.split("=")[0] for found in await loud.settings_that_log_values()] == [
        "debug_print_plan",
        "log_error_verbosity",
        "log_parameter_max_length_on_error",
    ]
    await loud.close()
    await database.execute(f'ALTER DATABASE "{name}" RESET ALL')


async def test_statements_are_logged_without_their_values(database: Database, postgres: PostgresServer):
    name = await database.fetchval("SELECT current_database()")
    await database.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    quiet = await Database.open(postgres.url(name), "toys", SystemClock())
    assert await quiet.settings_that_log_values() == []
    await quiet.close()
    await database.execute(f'ALTER DATABASE "{name}" SET log_parameter_max_length = -1')
    loud = await Database.open(postgres.url(name), "toys", SystemClock())
    assert await loud.settings_that_log_values() == ["log_parameter_max_length=-1"]
    await loud.close()
    await database.execute(f'ALTER DATABASE "{name}" RESET ALL')


async def hang(database: Database) -> None:
    """A caller that goes to sleep in a transaction."""
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL idle_in_transaction_session_timeout = '300ms'")
        await asyncio.sleep(0.2)
        assert await database.oldest_transaction() >= timedelta(seconds=0.2)
        await asyncio.sleep(1)
        await tx.fetchval("SELECT 1")


async def test_h71_a_transaction_that_hangs_is_seen_and_a_services_own_is_ended(database_url: str):
    database = await Database.open(database_url, "toys", SystemClock())
    assert await database.fetchval("SHOW idle_in_transaction_session_timeout") == "5min"
    with pytest.raises((*UNREACHABLE, asyncpg.PostgresError)):
        await hang(database)
    assert await database.oldest_transaction() < timedelta(seconds=1)
    await database.close()
