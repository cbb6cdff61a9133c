"""A consumer handles what it can, puts aside what it cannot, and waits for what will pass."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter as Tally
from typing import TYPE_CHECKING

import asyncpg
import orjson
import pytest
from prometheus_client import CollectorRegistry, Counter

from glem.clients import PeerAwayError
from glem.consuming import LARGEST_LETTER, TRIES, Consumer, LaterError, parse_event
from glem.transport import Message
from glem_contracts.events import (
    DEAD_LETTERS,
    LOANS,
    PATRONS,
    ContactChanged,
    LoanErased,
    LoanReturned,
    PatronBlocked,
    PatronRegistered,
    PatronSnapshot,
)
from glem_contracts.events.envelope import Event, EventData, RecordClock
from tests.glem.toys import AGENCY, NOW, SERVICE, make_event, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glem.database import Database, Transaction

GROUP = "toy-consumer"


class Table:
    """A handler that keeps the subjects it has seen in the table `thing`, and fails as it is told."""

    def __init__(self) -> None:
        self.failures: dict[int, list[Exception]] = {}
        self.always: dict[int, Exception] = {}
        self.tries: Tally[int] = Tally()
        self.batches: list[list[int]] = []

    async def __call__(self, tx: Transaction, events: Sequence[Event]) -> None:
        self.batches.append([int(event.subject) for event in events])
        for event in events:
            subject = int(event.subject)
            await tx.execute(
                "INSERT INTO thing (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen = thing.seen + 1", subject
            )
            tx.record(AGENCY, subject, ContactChanged(patron_id=subject))
            self.tries[subject] += 1
            if subject in self.always:
                raise self.always[subject]
            if self.failures.get(subject):
                raise self.failures[subject].pop(0)


@pytest.fixture
def handler() -> Table:
    return Table()


@pytest.fixture
def dead() -> Counter:
    return Counter("dead", "Dead letters.", registry=CollectorRegistry())


@pytest.fixture
def consumer(database: Database, handler: Table, dead: Counter) -> Consumer:
    return Consumer(GROUP, database, {ContactChanged: handler}, dead)


async def seen(database: Database) -> dict[int, int]:
    return {row["id"]: row["seen"] for row in await database.fetch("SELECT id, seen FROM thing ORDER BY id")}


async def letters(database: Database) -> list[dict[str, object]]:
    rows = await database.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY seq", DEAD_LETTERS)
    return [orjson.loads(row["payload"])["data"] for row in rows]


def make_messages(*subjects: int) -> list[Message]:
    return [message_of(make_event(subject)) for subject in subjects]


async def test_a_batch_is_one_call_and_one_transaction(consumer: Consumer, handler: Table, database: Database):
    await consumer.deliver(make_messages(1, 2, 3))
    assert handler.batches == [[1, 2, 3]]
    assert await seen(database) == {1: 1, 2: 1, 3: 1}
    assert await database.fetchval("SELECT count(DISTINCT xmin::text) FROM thing") == 1
    assert await database.fetchval("SELECT count(*) FROM outbox") == 3


async def test_one_bad_event_does_not_stop_the_others(
    consumer: Consumer, handler: Table, database: Database, dead: Counter
):
    handler.always[2] = ZeroDivisionError("the text of an error may be personal")
    messages = make_messages(1, 2, 3)
    await consumer.deliver(messages)
    assert await seen(database) == {1: 1, 3: 1}
    assert handler.tries[2] == TRIES + 1  # once in the batch, then by itself
    [letter] = await letters(database)
    assert letter | {"payload": ""} == {
        "clocks": [],
        "erased": [],
        "group": GROUP,
        "origin": PATRONS,
        "reason": "ZeroDivisionError",
        "payload": "",
    }
    assert base64.b64decode(str(letter["payload"])) == messages[1].value
    assert dead._value.get() == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"{", "JSONDecodeError"),
        (b"\xff\xfe", "JSONDecodeError"),
        (b"[]", "ValueError"),
        (b"null", "ValueError"),
        (orjson.dumps({"type": "ContactChanged"}), "ValidationError"),
        (make_event(1).to_json().replace(b"ContactChanged", b"SomethingElse"), "ValueError"),
        (make_event(1).to_json().replace(b'"1.0"', b'"0.3"'), "ValueError"),
        (make_event(1).to_json().replace(b"/toy-api/", b"toy-api:"), "ValueError"),
        (make_event(1).to_json().replace(b'"patron_id":1', b'"patron_id":"Karen"'), "ValidationError"),
        (make_event(1).to_json().replace(b'"patron_id":1', b'"patron_id":1,"name":"Karen"'), "ValidationError"),
    ],
)
async def test_what_is_not_an_event_is_put_aside_and_counted(
    consumer: Consumer, handler: Table, database: Database, dead: Counter, value: bytes, reason: str
):
    await consumer.deliver([*make_messages(1), Message(PATRONS, "\0key", value), *make_messages(3)])
    assert await seen(database) == {1: 1, 3: 1}
    [letter] = await letters(database)
    assert letter["reason"] == reason
    assert dead._value.get() == 1


async def test_a_letter_fits_into_a_message(consumer: Consumer, database: Database):
    await consumer.deliver([Message(PATRONS, "1", b"x" * 1_000_000)])
    assert await database.fetchval("SELECT max(length(payload)) FROM outbox") < 1_000_000
    [letter] = await letters(database)
    assert base64.b64decode(str(letter["payload"])) == b"x" * LARGEST_LETTER


async def test_a_bad_letter_is_not_put_aside_again(database: Database, handler: Table, dead: Counter):
    consumer = Consumer(GROUP, database, {EventData: handler}, dead)
    await consumer.deliver([Message(DEAD_LETTERS, "1", b"{")])
    assert await letters(database) == []
    assert dead._value.get() == 1


@pytest.mark.parametrize(
    "passing",
    [
        LaterError(),
        PeerAwayError("loan-api", "ConnectError"),
        asyncpg.SerializationError("again"),
        asyncpg.DeadlockDetectedError("again"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.TooManyConnectionsError("full"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_passes_is_tried_until_it_has_passed(
    consumer: Consumer, handler: Table, database: Database, dead: Counter, passing: Exception
):
    handler.failures[1] = [passing] * 3 + [ZeroDivisionError()] + [passing] + [ZeroDivisionError()]
    await consumer.deliver(make_messages(1))
    assert await seen(database) == {1: 1}
    assert dead._value.get() == 0
    assert handler.tries[1] == 7


async def test_an_id_that_no_column_can_hold_is_put_aside_at_once(
    consumer: Consumer, database: Database, dead: Counter
):
    await asyncio.wait_for(consumer.deliver(make_messages(1, 2**70, 3)), 5)
    assert await seen(database) == {1: 1, 3: 1}
    assert dead._value.get() == 1
    assert (await letters(database))[0]["reason"] == "DataError"


async def test_an_event_that_comes_twice_is_handed_over_twice_and_once_is_enough(
    consumer: Consumer, handler: Table, database: Database
):
    await consumer.deliver(make_messages(1))
    await consumer.deliver(make_messages(1, 1))
    assert await seen(database) == {1: 3}
    assert handler.batches == [[1], [1, 1]]


async def test_order_is_kept_across_handlers(database: Database, dead: Counter):
    calls: list[tuple[str, list[str]]] = []

    async def snapshots(_: Transaction, events: Sequence[Event]) -> None:
        calls.append(("snapshots", [event.subject for event in events]))

    async def contacts(_: Transaction, events: Sequence[Event]) -> None:
        calls.append(("contacts", [event.subject for event in events]))

    consumer = Consumer(GROUP, database, {PatronSnapshot: snapshots, ContactChanged: contacts}, dead)
    fields = {"patron_id": 1, "version": 1, "patron_group": "adult", "age_band": 0, "home_branch": "x", "blocks": []}
    absence = {"absent_from": None, "absent_until": None}
    first, second = (kind(**fields, **absence) for kind in (PatronRegistered, PatronBlocked))
    events = [
        make_event(1, first),
        make_event(2, second),
        make_event(3),
        make_event(4, LoanErased()),
        make_event(5, second),
    ]
    await consumer.deliver([message_of(event) for event in events])
    assert calls == [("snapshots", ["1", "2"]), ("contacts", ["3"]), ("snapshots", ["5"])]
    assert consumer.topics == [PATRONS]


async def test_it_asks_only_for_the_topics_it_handles(database: Database, handler: Table, dead: Counter):
    assert Consumer(GROUP, database, {LoanReturned: handler}, dead).topics == [LOANS]
    assert set(Consumer(GROUP, database, {EventData: handler}, dead).topics) > {LOANS, PATRONS, DEAD_LETTERS}


def test_an_envelope_reads_back_as_it_was_written():
    clock = RecordClock(record_class="loan", record_id=2**53 - 1, version=3, anchor=NOW)
    data = LoanReturned(patron_id=5, branch="DK-725900", returned_at=NOW, late=True, clocks=[clock])
    event = Event.of(data, service=SERVICE, agency=AGENCY, subject=9, time=NOW)
    read = parse_event(event.to_json())
    assert read.data == data
    assert (read.service, read.agency, read.subject, read.time) == (SERVICE, AGENCY, "9", NOW)
    assert read.to_json() == event.to_json()
