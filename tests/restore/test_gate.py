"""A shut service: whom it serves, what it waits for, and how it finds that it must be shut."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from embedded.development import default_agencies
from embedded.suite import Suite
from glem.clients import PeerError
from glem_contracts.marks import KEEP_MARK, Mark
from glem_retention.restore import read_mark

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
OWNERS = ("patron-api", "loan-api", "notifier")
OPTIONS = {"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_tls": "none", "sms_url": "http://127.0.0.1:9/"}


@pytest.fixture
async def suite(tmp_path: Path) -> AsyncIterator[Suite]:
    opened = await Suite.open(tmp_path / "home", default_agencies(), OPTIONS)
    yield opened
    await opened.close()


def client_of(suite: Suite, service: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(suite.apps[service]), base_url="http://shut.test")


async def test_a_shut_service_answers_nobody_but_those_who_help_it(suite: Suite):
    for service, path in (
        ("loan-api", "/patrons/1/loans"),
        ("notifier", "/patrons/1/messages"),
        ("patron-api", "/patrons/1"),
    ):
        async with client_of(suite, service) as client:
            answer = await client.get(path, headers={"accept-language": "en"})
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:glem:problem:restoring"
            assert answer.headers["retry-after"] == "1"
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/health/ready")).status_code == 503
            assert "glem_shut 1.0" in (await client.get("/metrics")).text
            assert (await client.get("/disposals/overdue")).status_code == 401
    async with client_of(suite, "patron-api") as client:
        form = {"grant_type": "password", "username": "x", "password": "y", "agency": "DK-725900"}
        assert (await client.post("/oauth/token", data=form)).json()["type"] == "urn:glem:problem:restoring"
    for runtime in suite.runtimes.values():
        assert sum([await task.pass_once() for task in runtime.tasks]) == 0, "a shut service works in the background"
    async with suite.running():
        assert all(not runtime.guard.closed for runtime in suite.runtimes.values())
        async with client_of(suite, "loan-api") as client:
            assert (await client.get("/patrons/1/loans")).status_code == 401
            assert "glem_shut 0.0" in (await client.get("/metrics")).text


async def test_an_owner_waits_for_a_worker_that_does_not_answer(suite: Suite):
    guard = suite.runtimes["loan-api"].guard
    worker = suite.apps["retention-worker"].router.lifespan_context(suite.apps["retention-worker"])
    async with suite.apps["patron-api"].router.lifespan_context(suite.apps["patron-api"]):
        running = asyncio.create_task(guard.run())
        await asyncio.sleep(2)
        assert (guard.closed, guard.state) == (True, "checking")
        async with worker:
            for _ in range(100):
                if guard.state == "serving":
                    break
                await asyncio.sleep(0.1)
            assert (guard.closed, guard.state) == (False, "serving")
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_a_database_exchanged_under_a_running_service_shuts_it(suite: Suite):
    async with suite.running():
        guard = suite.runtimes["loan-api"].guard
        assert await guard.beat()
        await suite.runtimes["loan-api"].database.execute("SELECT setval('outbox_seq_seq', 1000)")
        assert await guard.beat()
        await suite.runtimes["loan-api"].database.execute("SELECT setval('outbox_seq_seq', 10)")
        assert not await guard.beat()
        # Its own task may have gone on to the replay by now.
        assert guard.closed
        assert guard.state in {"checking", "restoring"}


async def test_two_beats_at_once_both_tell_where_the_database_stands(suite: Suite):
    async with suite.running():
        guard = suite.runtimes["loan-api"].guard
        assert guard.witness is not None
        assert await asyncio.gather(*(guard.beat() for _ in range(20))) == [True] * 20
        told = Mark.model_validate_json((guard.witness / "loan-api.json").read_bytes())
        assert (await read_mark(guard.database)).follows(told)


async def test_a_database_is_known_by_where_it_stood_before_anything_was_written_to_it(suite: Suite):
    async with suite.running():
        guard, database = suite.runtimes["loan-api"].guard, suite.runtimes["loan-api"].database
        await database.execute("SELECT setval('outbox_seq_seq', 1000)")
        assert await guard.beat()
        with capture_logs() as said:
            guard.shut()
            await database.execute("SELECT setval('outbox_seq_seq', 10)")
            await guard.look()
            await database.execute("SELECT setval('outbox_seq_seq', 2000)")
            await guard._open()
        assert "database_restored" in [line["event"] for line in said]
        assert (guard.closed, guard.state) == (False, "serving")


async def test_a_service_may_only_tell_of_its_own_database(suite: Suite):
    async with suite.running():
        mark = await read_mark(suite.runtimes["loan-api"].database)
        with pytest.raises(PeerError) as refused:
            await suite.runtimes["loan-api"].clients.call("retention-worker", KEEP_MARK, mark, service="patron-api")
        assert (refused.value.status, refused.value.problem) == (403, "not-your-database")


async def test_an_emergency_serves_unchecked_and_tells_nothing(tmp_path: Path):
    suite = await Suite.open(tmp_path / "home", default_agencies(), {**OPTIONS, "serve_unchecked": True})
    try:
        async with suite.running():
            assert all(not runtime.guard.closed for runtime in suite.runtimes.values())
            assert not await suite.runtimes["loan-api"].guard.beat()
            assert not (tmp_path / "home" / "marks").exists()
    finally:
        await suite.close()


MARK = Mark(system_identifier=1, database_oid=2, outbox_oid=3, timeline=1, lsn=100, events=5)


@pytest.mark.parametrize(
    ("change", "follows"),
    [
        ({}, True),
        ({"lsn": 101, "events": 6}, True),
        ({"lsn": 99}, False),
        ({"lsn": 500, "events": 4}, False),
        ({"timeline": 2, "lsn": 500}, False),
        ({"database_oid": 9, "lsn": 500}, False),
        ({"outbox_oid": 9, "lsn": 500}, False),
        ({"system_identifier": 9, "lsn": 500}, False),
    ],
)
def test_what_a_restored_database_is_known_by(change: dict[str, int], follows: bool):  # noqa: FBT001
    assert MARK.model_copy(update=change).follows(MARK) is follows


async def test_h70_the_worker_tests_itself_and_says_when_nothing_would_go(
    worker, fresh_database: Callable[[], Awaitable[str]]
):
    from retention_worker.canary import DeadCanaryError, test_yourself

    assert await test_yourself(worker.runtime) == 0
    assert await worker.clocks() == {}
    await worker.runtime.database.execute(
        "CREATE FUNCTION blind() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.not_before = clock_timestamp() + interval '1 day'; RETURN NEW; END $$"
    )
    await worker.runtime.database.execute(
        "CREATE TRIGGER blind BEFORE INSERT ON clock EXECUTE FUNCTION blind()".replace(
            "EXECUTE", "FOR EACH ROW EXECUTE"
        )
    )
    with pytest.raises(DeadCanaryError):
        await test_yourself(worker.runtime)
    assert json.dumps(list(await worker.clocks())) == "[]"
