"""Breakers: a flood waits for a second look; a backlog, other days and other libraries do not."""

import importlib
from datetime import datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from glem_retention.agencies import Agencies, load_agencies
from glem_retention.policies import INSTANT, PolicyTerms
from retention_worker.breakers import rules
from retention_worker.breakers.rules import Limits, Window
from retention_worker.clocks.store import EVER, Scope
from retention_worker.settings import WorkerSettings

from .conftest import AGENCIES, KOEGE, START, STRUER, Worker, token

DAY = timedelta(days=1)


def bearer(scopes: str = "retention:read retention:write", agency: str = STRUER) -> dict[str, str]:
    return {"authorization": f"Bearer {token('dpo', scopes, agency)}"}


@pytest.fixture
async def cautious(worker: Worker) -> Worker:
    """A worker to which 5 records are a usual day and 20 are a flood."""
    worker.client._transport.app.state.breakers._limits = Limits(5, 4.0)
    return worker


async def flood(worker: Worker, count: int, at: datetime, *, first: int = 1, agency: str = STRUER) -> None:
    await worker.send(*(worker.returned(first + each, at, agency=agency) for each in range(count)))


async def breakers(worker: Worker) -> list[dict]:
    return (await worker.client.get("/breakers", headers=bearer())).json()


async def acknowledge(worker: Worker, records: int):
    path = f"/breakers/{STRUER}/loan/acknowledgement"
    return await worker.client.post(path, json={"records": records}, headers=bearer())


async def gauge(worker: Worker, name: str) -> float:
    await worker.task("breakers")
    line = f'{name}{{agency="{STRUER}",record_class="loan"}} '
    [found] = [text for text in (await worker.client.get("/metrics")).text.splitlines() if text.startswith(line)]
    return float(found.removeprefix(line))


async def told(worker: Worker) -> list[str]:
    rows = await worker.runtime.database.fetch("SELECT payload FROM outbox WHERE topic = 'glem.retention' ORDER BY seq")
    events = [orjson.loads(row["payload"]) for row in rows]
    return [event["type"] for event in events if event["type"].startswith("Breaker")]


def noon(worker: Worker) -> datetime:
    """Noon of the day before, so that hours more or less stay on one due day."""
    return worker.clock.now().replace(hour=12, minute=0, second=0, microsecond=0) - DAY


async def test_h108_a_flood_of_forged_returns_is_said_at_once_and_waits_when_due(cautious: Worker):
    now = cautious.clock.now()
    await flood(cautious, 100, now - timedelta(hours=1))
    await flood(cautious, 20, now - timedelta(hours=1), first=1000, agency=KOEGE)
    [coming] = await breakers(cautious)
    assert (coming["state"], coming["records"], coming["allowed"]) == ("coming", 100, 20)
    assert await gauge(cautious, "glem_breaker_coming") == 1

    await flood(cautious, 10, now - 3 * DAY, first=2000)
    await cautious.travel(days=30)
    await cautious.send(cautious.returned(3000, cautious.clock.now() - timedelta(seconds=1), agency=STRUER))
    assert await cautious.sweep() == 30
    assert {entry["record_id"] for entry in await cautious.register()} == {*range(1000, 1020), *range(2000, 2010)}
    [found] = await breakers(cautious)
    assert (found["state"], found["records"], found["allowed"]) == ("open", 100, 20)
    assert await gauge(cautious, "glem_breaker_open") == 1
    assert await told(cautious) == ["BreakerOpened"]

    # The day after, others go, and the flood still waits.
    await flood(cautious, 5, cautious.clock.now() - 30 * DAY + timedelta(days=2), first=4000)
    await cautious.travel(days=3)
    assert await cautious.sweep() == 5
    assert await told(cautious) == ["BreakerOpened"]

    for wrong in (0, 89, 112):
        answer = await acknowledge(cautious, wrong)
        assert (answer.status_code, answer.json()["records"]) == (409, 100)
    assert (await acknowledge(cautious, 100)).status_code == 204
    assert await cautious.sweep() == 100
    assert await told(cautious) == ["BreakerOpened", "BreakerClosed"]
    assert (await acknowledge(cautious, 100)).json()["type"] == "urn:glem:problem:breaker-not-open"
    assert await gauge(cautious, "glem_breaker_open") == 0


async def test_a_flood_that_trickles_in_is_counted_with_what_is_gone(cautious: Worker):
    day = noon(cautious) - 40 * DAY
    await flood(cautious, 15, day)
    assert await cautious.sweep() == 15
    await flood(cautious, 5, day + timedelta(hours=1), first=100)
    assert await cautious.sweep() == 5
    await flood(cautious, 1, day + timedelta(hours=2), first=200)
    assert await cautious.sweep() == 0
    assert [found["state"] for found in await breakers(cautious)] == ["open"]


async def test_a_backlog_of_usual_days_is_no_flood(cautious: Worker):
    first = noon(cautious) - 75 * DAY
    for day in range(40):
        await flood(cautious, 18, first + day * DAY, first=1000 * (day + 1))
    assert await cautious.sweep() == 40 * 18
    assert await breakers(cautious) == []


async def test_what_is_usual_follows_the_last_28_days(cautious: Worker):
    first = noon(cautious) - 75 * DAY
    for day in range(30):
        await flood(cautious, 20, first + day * DAY, first=1000 * (day + 1))
        assert await cautious.sweep() == 20
    await flood(cautious, 80, first + 30 * DAY, first=100_000)
    assert await cautious.sweep() == 80
    await flood(cautious, 95, first + 31 * DAY, first=200_000)
    assert await cautious.sweep() == 0
    # (27 days of 20 and one of 80) / 28, four times.
    assert [found["allowed"] for found in await breakers(cautious)] == [89]


async def test_more_than_was_acknowledged_opens_it_again(cautious: Worker):
    day = noon(cautious) - 40 * DAY
    await flood(cautious, 50, day)
    assert await cautious.sweep() == 0
    assert (await acknowledge(cautious, 50)).status_code == 204
    assert await cautious.sweep() == 50
    await flood(cautious, 25, day, first=1000)
    assert await cautious.sweep() == 25
    await flood(cautious, 10, day, first=2000)
    assert await cautious.sweep() == 0
    assert [found["records"] for found in await breakers(cautious)] == [10]


async def test_what_an_approved_change_makes_due_goes(cautious: Worker):
    for prepare in cautious.runtime.starting:
        await prepare()
    now = cautious.clock.now()
    for day in range(16, 28):
        await flood(cautious, 10, now - day * DAY + timedelta(hours=1), first=1000 * day)
    body = {
        "record_class": "loan",
        "period": "P14D",
        "effective": (now + 2 * DAY).isoformat(),
        "wording_da": "Vi glemmer et lån efter 14 dage.",
        "wording_en": "We forget a loan after 14 days.",
    }
    proposal = (await cautious.client.post("/policies/proposals", json=body, headers=bearer())).json()
    path = f"/policies/proposals/{proposal['proposal_id']}"
    shown = (await cautious.client.get(f"{path}/preview", headers=bearer())).json()
    assert (shown["records"], shown["usual_days"]) == (120, 0.1)
    second = {"authorization": f"Bearer {token('second', 'retention:write', STRUER)}"}
    answer = await cautious.client.post(f"{path}/approval", json={"records": 120}, headers=second)
    assert answer.status_code == 200, answer.text
    await cautious.travel(days=2, seconds=1)
    assert await cautious.sweep() == 120
    assert await breakers(cautious) == []


async def test_another_library_s_officer_does_not_acknowledge(cautious: Worker):
    await flood(cautious, 50, noon(cautious) - 40 * DAY)
    await cautious.sweep()
    path = f"/breakers/{STRUER}/loan/acknowledgement"
    answer = await cautious.client.post(path, json={"records": 50}, headers=bearer(agency=KOEGE))
    assert answer.json()["type"] == "urn:glem:problem:wrong-agency"
    assert (await cautious.client.get("/breakers", headers=bearer(agency=KOEGE))).json() == []


async def test_who_acknowledged_is_forgotten_after_three_years(cautious: Worker):
    await flood(cautious, 50, noon(cautious) - 40 * DAY)
    await cautious.sweep()
    await acknowledge(cautious, 50)
    [seen] = (await cautious.client.get("/breakers/acknowledgements", headers=bearer())).json()
    assert (seen["acknowledged_by"], seen["records"], seen["record_class"]) == ("dpo", 50, "loan")
    assert (await cautious.client.get("/breakers/acknowledgements", headers=bearer(agency=KOEGE))).json() == []
    reader = bearer("retention:read")
    assert (await cautious.client.get("/breakers/acknowledgements", headers=reader)).status_code == 403
    await cautious.sweep()
    await cautious.hear_itself()
    assert await cautious.sweep() == 0
    await cautious.travel(days=3 * 365 + 1, seconds=1)
    assert (await cautious.client.get("/breakers/acknowledgements", headers=bearer())).json() == []
    assert await cautious.sweep() == 1
    assert await cautious.runtime.database.fetchval("SELECT acknowledged_by FROM breaker") is None


async def test_an_acknowledgement_that_replaces_another_takes_its_name_along(cautious: Worker):
    store = importlib.import_module("retention_worker.breakers.store")
    now, day = cautious.clock.now(), START.date()
    async with cautious.runtime.database.transaction() as tx:
        first = await store.allow(tx, STRUER, "loan", day, 5, "first", now)
        second = await store.allow(tx, STRUER, "loan", day, 5, "second", now)
    assert (first.replaced, second.replaced) == (None, first.acknowledgement_id)
    told = second.told(now)
    assert told["erased"][0].record_ids == [first.acknowledgement_id]
    assert told["clocks"][0].record_id == second.acknowledgement_id


def test_windows_are_cut_out_of_scopes():
    scope, other = Scope(STRUER, "loan", START), Scope(KOEGE, "loan", START)
    kept = [Window(STRUER, "loan", START.date(), START - (n + 1) * DAY, START - n * DAY) for n in (6, 3)]
    assert rules.without([scope, other], kept) == [
        Scope(STRUER, "loan", START - 7 * DAY, EVER),
        Scope(STRUER, "loan", START - 4 * DAY, START - 6 * DAY),
        Scope(STRUER, "loan", START, START - 3 * DAY),
        other,
    ]
    today = Window(STRUER, "loan", START.date(), START - DAY, START + DAY)
    assert rules.without([scope], [today]) == [Scope(STRUER, "loan", START - DAY, EVER)]
    assert rules.without([scope], []) == [scope]


def test_the_windows_of_days_meet_without_gap_under_several_versions():
    agencies = Agencies(load_agencies(AGENCIES))
    first = agencies.terms(STRUER, "loan")
    agencies.adopt(
        {
            (STRUER, "loan"): [
                *first,
                PolicyTerms(2, 14 * DAY, "erase", START),
                PolicyTerms(3, 40 * DAY, "erase", START + 9 * DAY),
            ]
        }
    )
    now = START + 60 * DAY
    scope = Scope(STRUER, "loan", agencies.cutoff(STRUER, "loan", now))
    found = rules.windows(agencies, scope, START - 50 * DAY, now)
    for window, following in pairwise(found):
        assert window.until == following.after
        if window.after < window.until:
            assert agencies.due_at(STRUER, "loan", window.until).date() == window.day
            assert agencies.due_at(STRUER, "loan", window.after + INSTANT).date() == window.day
    assert found[0].after < START - 50 * DAY <= found[0].until
    assert found[-1].until == scope.cutoff


def test_settings_say_what_is_usual():
    assert WorkerSettings.model_fields["breaker_floor"].default == 1000
    assert WorkerSettings.model_fields["breaker_times"].default == 10
