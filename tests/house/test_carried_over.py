"""Rows that were there before their class had a clock: the migration tells their clocks, by events that a consumer can read."""

from __future__ import annotations

import importlib
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from glem.consuming import parse_event
from glem.migrations import upgrade
from glem_contracts.record_classes import RECORD_CLASSES
from glem_retention.migrating import CLOCKS_IN_ONE_EVENT
from tests.house.schema import metadata_of
from tests.house.tree import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from glem_contracts.events.envelope import Event

    Fresh = Callable[[], Awaitable[str]]

PACKAGES = {package.name: package for package in SERVICES}
AT = datetime(2026, 5, 1, 9, 30, 15, 123456, tzinfo=UTC)
KOEGE, STRUER = "DK-725900", "DK-767100"


class Old:
    """A database that stands at an old migration, and what the newer ones do to it."""

    def __init__(self, package: str, url: str, folder: Path) -> None:
        self._package, self._url, self._folder = PACKAGES[package], url, folder
        self._migrations = importlib.import_module(f"{package}.base").MIGRATIONS

    async def at(self, revision: str) -> Old:
        """Bring the new database to `revision`, by a copy of the migrations without those after it."""
        copy = shutil.copytree(self._migrations, self._folder / self._package.name)
        for file in (copy / "versions").glob("*.py"):
            if re.match(r"\d{4}", file.name) and file.name[:4] > revision:
                file.unlink()
        await upgrade(self._url, copy, metadata_of(self._package))
        return self

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self._url)
        found = [dict(row) for row in await connection.fetch(query)]
        await connection.close()
        return found

    async def carried_over(self) -> list[Event]:
        """Run the newer migrations; return the events that they recorded."""
        await upgrade(self._url, self._migrations, metadata_of(self._package))
        rows = await self.rows("SELECT topic, key, payload FROM outbox ORDER BY seq")
        events = [parse_event(row["payload"]) for row in rows]
        for row, event in zip(rows, events, strict=True):
            assert (row["topic"], row["key"]) == (event.data.topic, event.subject)
            assert event.service.replace("-", "_") == self._package.name
            assert not event.data.erased
        return events


def clocks(events: list[Event], record_class: str) -> list[tuple[str, int, int, datetime | None]]:
    """The clocks of one class: agency, id, version and anchor."""
    assert RECORD_CLASSES[record_class].actions
    found = (
        (event.agency, clock.record_id, clock.version, clock.anchor)
        for event in events
        for clock in event.data.clocks
        if clock.record_class == record_class
    )
    return sorted(found, key=lambda clock: clock[:2])


@pytest.fixture
def old(fresh_database: Fresh, tmp_path: Path) -> Callable[[str, str], Awaitable[Old]]:
    async def make(package: str, revision: str) -> Old:
        return await Old(package, await fresh_database(), tmp_path).at(revision)

    return make


async def test_viewings_of_before_get_their_clocks_in_events_of_five_hundred(old):
    lending = await old("loan_api", "0005")
    many = 2 * CLOCKS_IN_ONE_EVENT + 1
    await lending.execute(
        f"""INSERT INTO viewing (viewing_id, agency, staff, patron_id, at, reason)
        SELECT n, '{KOEGE}', 'staff-1', 4711, '{AT}', 'desk' FROM generate_series(1, {many}) AS n""",
        f"INSERT INTO viewing VALUES (9007199254740991, '{STRUER}', 'staff-2', 4712, '{AT}', 'desk')",
    )
    events = await lending.carried_over()
    assert sorted(len(event.data.clocks) for event in events) == [1, 1, CLOCKS_IN_ONE_EVENT, CLOCKS_IN_ONE_EVENT]
    found = clocks(events, "viewing")
    assert found[-1] == (STRUER, 9007199254740991, 1, AT)
    assert found[:-1] == [(KOEGE, number, 1, AT) for number in range(1, many + 1)]
    assert not any("4711" in event.to_json().decode() for event in events)


async def test_holds_of_before_get_their_clocks_from_their_end_or_release(old):
    worker = await old("retention_worker", "0004")
    later, before = AT + timedelta(days=30), AT - timedelta(days=3)
    await worker.execute(
        "INSERT INTO legal_hold (hold_id, agency, kind, author, reason, placed_at, ends_at, released_at) VALUES"
        f" (1, '{KOEGE}', 'other', 'dpo', 'Sag', '{AT}', '{later}', NULL),"
        f" (2, '{KOEGE}', 'other', 'dpo', 'Sag', '{AT}', '{later}', '{before}')"
    )
    assert clocks(await worker.carried_over(), "legal-hold") == [(KOEGE, 1, 1, later), (KOEGE, 2, 1, before)]
    assert [row["clock_version"] for row in await worker.rows("SELECT clock_version FROM legal_hold")] == [1, 1]


async def test_names_of_before_in_policies_and_breakers_get_their_clocks(old):
    worker = await old("retention_worker", "0005")
    await worker.execute(
        "INSERT INTO policy_proposal VALUES"
        f" (7, '{KOEGE}', 'loan', interval '14 days', 'Vi glemmer.', 'We forget.', '{AT}', '{AT}')",
        "INSERT INTO policy_step (proposal_id, agency, kind, account, at) VALUES"
        f" (7, '{KOEGE}', 'proposed', NULL, '{AT}'), (7, '{KOEGE}', 'approved', 'staff-1', '{AT}')",
        "INSERT INTO breaker (agency, record_class, due_day, is_open, records, allowed, acknowledged, acknowledged_at,"
        f" acknowledged_by) VALUES ('{KOEGE}', 'loan', '2026-05-01', FALSE, 9, 9, 9, '{AT}', 'staff-1'),"
        f" ('{KOEGE}', 'loan', '2026-05-02', TRUE, 9, 9, 0, NULL, NULL)",
    )
    events = await worker.carried_over()
    assert clocks(events, "policy-change") == [(KOEGE, 2, 1, AT)]
    rows = await worker.rows("SELECT acknowledgement_id FROM breaker ORDER BY due_day")
    known = [row["acknowledgement_id"] for row in rows]
    assert known[1] is None
    assert 1 <= known[0] < 2**53
    assert clocks(events, "breaker-acknowledgement") == [(KOEGE, known[0], 1, AT)]


@pytest.fixture
async def patrons(old) -> Old:
    """patron-api at its third migration, with two patrons: 1 owes nothing, 2 owes."""
    made = await old("patron_api", "0003")
    await made.execute(
        *(
            "INSERT INTO patron (patron_id, agency, version, cpr, birth_date, name, protected, municipality, patron_group,"
            " age_band, home_branch, language, registered_at, pin_hash, failed_logins, owes, balance_version)"
            f" VALUES ({number}, '{KOEGE}', 1, '750614400{number}', '2014-06-15', 'Prøve', FALSE, '0259', 'child', 0,"
            f" '{KOEGE}', 'da', '{AT}', 'x', 0, {owes}, 1)"
            for number, owes in ((1, "FALSE"), (2, "TRUE"))
        )
    )
    return made


async def test_lines_of_the_access_log_of_before_get_their_clocks(patrons: Old):
    later = AT + timedelta(days=3)
    await patrons.execute(
        "INSERT INTO access_log (entry_id, agency, patron_id, staff, reason, at) VALUES"
        f" (7, '{KOEGE}', 1, 'staff-1', 'Anmodning', '{AT}'), (8, '{KOEGE}', 2, 'staff-1', 'Anmodning', '{later}')"
    )
    assert clocks(await patrons.carried_over(), "access-log") == [(KOEGE, 7, 1, AT), (KOEGE, 8, 1, later)]


async def test_requests_of_before_get_their_clocks_and_those_under_way_are_held(patrons: Old):
    done = AT + timedelta(days=1)
    await patrons.execute(
        "INSERT INTO export_request (export_id, agency, patron_id, asked_by, asked_at, expires_at, downloads)"
        f" VALUES (11, '{KOEGE}', 1, '1', '{AT}', '{AT + timedelta(days=7)}', 0)",
        "INSERT INTO erasure_request (request_id, agency, patron_id, when_clear, state, lending_done, messages_done, asked_at,"
        f" done_at, next_try_at) VALUES (21, '{KOEGE}', 1, FALSE, 'refused', FALSE, FALSE, '{AT}', NULL, now()),"
        f" (22, '{KOEGE}', 2, TRUE, 'waiting', FALSE, FALSE, '{AT}', NULL, now()),"
        f" (23, '{STRUER}', NULL, FALSE, 'done', TRUE, TRUE, '{AT}', '{done}', now())",
    )
    events = await patrons.carried_over()
    assert clocks(events, "export-request") == [(KOEGE, 11, 1, AT)]
    assert clocks(events, "erasure-request") == [
        (KOEGE, 21, 1, AT),
        (KOEGE, 22, 1, None),
        (STRUER, 23, 1, done),
    ]


async def test_guardians_of_before_get_their_clocks_and_those_of_children_who_owe_are_held(patrons: Old):
    await patrons.execute(
        "INSERT INTO guardian (guardian_id, agency, patron_id, consent_on, until_day) VALUES"
        f" (31, '{KOEGE}', 1, '2026-01-01', '2032-06-15'), (32, '{KOEGE}', 2, '2026-01-01', '2032-06-15')"
    )
    birthday = datetime(2032, 6, 14, 22, tzinfo=UTC)
    assert clocks(await patrons.carried_over(), "guardian") == [(KOEGE, 31, 1, birthday), (KOEGE, 32, 1, None)]
