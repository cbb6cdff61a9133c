"""When a record is due is one rule: the register's SQL says what the pure function says."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glem.database import Transaction, columns_of
from glem.migrations import upgrade
from glem_retention import policies
from retention_worker.base import MIGRATIONS, metadata
from retention_worker.register import store
from tests.glem.test_policies import histories, moments

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENCY, RECORD_CLASS = "DK-1", "loan"


@pytest.fixture
def database(fresh_database) -> Iterator[tuple[asyncio.Runner, asyncpg.Connection]]:
    """A connection as the services have it, on an event loop of its own, because Hypothesis calls plain functions."""

    async def connect() -> asyncpg.Connection:
        url = await fresh_database()
        await upgrade(url, MIGRATIONS, metadata)
        return await asyncpg.connect(url, server_settings={"timezone": "UTC"})

    with asyncio.Runner() as runner:
        connection = runner.run(connect())
        yield runner, connection
        runner.run(connection.close())


async def registered(
    connection: asyncpg.Connection, terms: list[policies.PolicyTerms], anchors: list[datetime]
) -> tuple[list[datetime | None], Counter]:
    """Enter records with these anchors, and one without; return when each was due, and how many were on each day."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        clocks = [
            (RECORD_CLASS, number, AGENCY, 1, anchor, 0) for number, anchor in enumerate([*anchors, None], start=1)
        ]
        await connection.execute(
            """INSERT INTO clock (record_class, record_id, agency, version, anchor, tries)
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[], $6::int[])""",
            *columns_of(clocks, 6),
        )
        await store.complete(
            Transaction(connection, "retention-worker", anchors[0]),
            agency=AGENCY,
            record_class=RECORD_CLASS,
            record_ids=[number for _, number, *_ in clocks],
            outcome="erased",
            policy_version=terms[-1].version,
            terms=terms,
            done_at=anchors[0],
        )
        entries = await connection.fetch("SELECT due_at FROM register WHERE agency = $1 ORDER BY record_id", AGENCY)
        days = await connection.fetch("SELECT day, records FROM due_day WHERE agency = $1", AGENCY)
        return [entry["due_at"] for entry in entries], Counter({day["day"]: day["records"] for day in days})
    finally:
        await transaction.rollback()


def test_the_register_says_when_a_record_was_due_as_the_policies_do(database):
    runner, connection = database

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(histories(), st.lists(moments, min_size=1, max_size=12))
    def hold(terms: list[policies.PolicyTerms], anchors: list[datetime]) -> None:
        # Those on the edge of a version, too.
        anchors += [edge for version in terms for edge in (version.effective, version.effective - policies.INSTANT)]
        due = [policies.due_at(terms, anchor) for anchor in anchors]
        entered, days = runner.run(registered(connection, terms, anchors))
        assert entered == [*due, None]
        assert days == Counter(moment.astimezone(UTC).date() for moment in due)

    hold()
