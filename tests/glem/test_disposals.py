"""The contract of disposals at its edges: an order that cannot be meant is refused, and nothing is touched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from glem_contracts.disposals import (
    LARGEST_LOOK,
    LARGEST_ORDER,
    DisposalOrder,
    DisposalOutcome,
    OverdueRecord,
    RefusedDisposal,
)
from glem_contracts.events import LoanErased
from tests.glem.apps import Toy, open_toy
from tests.glem.toys import AGENCY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from glem.database import Database, Transaction


class Things:
    """Erases rows of the table `thing`; odd ids are held."""

    def __init__(self) -> None:
        self.cutoffs: list[datetime] = []
        self.fail = False

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        self.cutoffs.append(cutoff)
        even = [number for number in order.record_ids if number % 2 == 0]
        rows = await tx.fetch("DELETE FROM thing WHERE id = ANY($1::bigint[]) RETURNING id", even)
        erased = sorted(row["id"] for row in rows)
        tx.record(order.agency, order.disposal_id, LoanErased())
        if self.fail:
            raise RuntimeError("bug")
        return DisposalOutcome(
            erased=erased,
            gone=[number for number in even if number not in erased],
            refused=[
                RefusedDisposal(record_id=number, reason="held", version=3, anchor=None)
                for number in order.record_ids
                if number % 2
            ],
        )

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        rows = await database.fetch("SELECT id FROM thing ORDER BY id LIMIT $1", limit)
        return [OverdueRecord(record_id=row["id"], version=1, anchor=cutoff) for row in rows]


@pytest.fixture
def things() -> Things:
    return Things()


@pytest_asyncio.fixture
async def toy(database_url: str, things: Things) -> AsyncIterator[Toy]:
    async with open_toy(database_url, disposers={"loan": things, "message-envelope": things}) as toy:
        await toy.runtime.database.execute("INSERT INTO thing (id) SELECT n FROM generate_series(1, 10) n")
        yield toy


def make_order(**changes: object) -> dict[str, object]:
    return {"disposal_id": 1, "agency": AGENCY, "record_class": "loan", "record_ids": [2, 3, 12]} | changes


def worker(toy: Toy) -> dict[str, str]:
    return toy.token(role="service", agency="*", scope="retention:dispose")


async def left(toy: Toy) -> list[int]:
    return [row["id"] for row in await toy.runtime.database.fetch("SELECT id FROM thing ORDER BY id")]


async def test_every_record_of_an_order_is_in_one_list(toy: Toy, things: Things):
    answer = await toy.client.post("/disposals", json=make_order(), headers=worker(toy))
    assert answer.status_code == 200
    held = {"record_id": 3, "reason": "held", "version": 3, "anchor": None}
    assert answer.json() == {"erased": [2], "redacted": [], "gone": [12], "refused": [held]}
    assert await left(toy) == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    period = toy.runtime.agencies[AGENCY].retention["loan"].period
    assert abs(things.cutoffs[0].timestamp() - time.time() + period.total_seconds()) < 5


async def test_an_order_may_be_repeated(toy: Toy):
    for expected in ([2], []):
        answer = await toy.client.post("/disposals", json=make_order(record_ids=[2]), headers=worker(toy))
        assert answer.json()["erased"] == expected
    assert answer.json()["gone"] == [2]


@pytest.mark.parametrize(
    ("changes", "status", "name"),
    [
        ({"record_ids": []}, 422, "malformed"),
        ({"record_ids": list(range(2, LARGEST_ORDER + 3))}, 422, "malformed"),
        ({"record_ids": ["Karen"]}, 422, "malformed"),
        ({"record_ids": None}, 422, "malformed"),
        ({"record_ids": [2, 2**63]}, 422, "malformed"),
        ({"disposal_id": "x"}, 422, "malformed"),
        ({"record_class": "debt"}, 404, "unknown-record-class"),
        ({"record_class": "nothing"}, 404, "unknown-record-class"),
        ({"record_class": "message-envelope"}, 404, "unknown-record-class"),  # no policy for it in this agency
        ({"agency": "DK-000000"}, 404, "unknown-agency"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused(toy: Toy, changes: dict[str, object], status: int, name: str):
    answer = await toy.client.post("/disposals", json=make_order(**changes), headers=worker(toy))
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:glem:problem:{name}"
    assert len(await left(toy)) == 10


async def test_an_order_of_a_thousand_is_taken(toy: Toy):
    ids = list(range(2, 2 * LARGEST_ORDER + 2, 2))
    answer = await toy.client.post("/disposals", json=make_order(record_ids=ids), headers=worker(toy))
    assert len(answer.json()["erased"]) == 5
    assert len(answer.json()["gone"]) == LARGEST_ORDER - 5


async def test_an_owner_that_fails_erases_nothing_and_tells_nothing(toy: Toy, things: Things):
    things.fail = True
    answer = await toy.client.post("/disposals", json=make_order(), headers=worker(toy))
    assert answer.status_code == 500
    assert len(await left(toy)) == 10
    assert await toy.runtime.database.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize("scope", ["", "self", "retention:read retention:write", "patrons:write"])
async def test_only_the_worker_may_order(toy: Toy, scope: str):
    headers = toy.token(role="administrator", scope=scope)
    assert (await toy.client.post("/disposals", json=make_order(), headers=headers)).status_code == 403
    query = {"agency": AGENCY, "record_class": "loan"}
    assert (await toy.client.get("/disposals/overdue", params=query, headers=headers)).status_code == 403
    assert (await toy.client.post("/disposals", json=make_order())).status_code == 401
    assert len(await left(toy)) == 10


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 200),
        ({"limit": "1"}, 200),
        ({"limit": str(LARGEST_LOOK)}, 200),
        ({"limit": "0"}, 422),
        ({"limit": str(LARGEST_LOOK + 1)}, 422),
        ({"agency": "DK-000000"}, 404),
        ({"record_class": "debt"}, 404),
        ({"record_class": ""}, 404),
    ],
)
async def test_an_owner_says_what_is_overdue(toy: Toy, query: dict[str, str], status: int):
    whole = {"agency": AGENCY, "record_class": "loan"} | query
    answer = await toy.client.get("/disposals/overdue", params=whole, headers=worker(toy))
    assert answer.status_code == status
    if status == 200:
        assert [row["record_id"] for row in answer.json()] == list(range(1, min(10, int(query.get("limit", 10))) + 1))
