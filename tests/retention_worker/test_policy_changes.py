"""Policies under control: proposed, previewed, approved by a second person, told to the owners."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest

from glem_retention.agencies import PolicyFileError
from glem_retention.policies import PolicyTerms, due_at

from .conftest import KOEGE, STRUER, Worker, token

DAY = timedelta(days=1)
WORDS = {"wording_da": "Vi glemmer et lån efter 14 dage.", "wording_en": "We forget a loan after 14 days."}


def bearer(account: str = "first", scopes: str = "retention:read retention:write", agency: str = STRUER):
    return {"authorization": f"Bearer {token(account, scopes, agency)}"}


@pytest.fixture
async def office(worker: Worker) -> Worker:
    for prepare in worker.runtime.starting:
        await prepare()
    return worker


async def propose(worker: Worker, *, account: str = "first", agency: str = STRUER, **changes: object) -> httpx.Response:
    body = {
        "record_class": "loan",
        "period": "P14D",
        "effective": (worker.clock.now() + 2 * DAY).isoformat(),
        **WORDS,
        **changes,
    }
    return await worker.client.post("/policies/proposals", json=body, headers=bearer(account, agency=agency))


async def preview(worker: Worker, proposal: dict, **who: str) -> dict:
    answer = await worker.client.get(f"/policies/proposals/{proposal['proposal_id']}/preview", headers=bearer(**who))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def approve(worker: Worker, proposal: dict, records: int, account: str = "second") -> httpx.Response:
    path = f"/policies/proposals/{proposal['proposal_id']}/approval"
    return await worker.client.post(path, json={"records": records}, headers=bearer(account))


async def adopt(worker: Worker, **changes: object) -> dict:
    proposal = (await propose(worker, **changes)).json()
    answer = await approve(worker, proposal, (await preview(worker, proposal))["records"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def adoptions(rows) -> list[dict]:
    return [event for row in rows if (event := orjson.loads(row["payload"]))["type"] == "PolicyAdopted"]


async def outbox(worker: Worker) -> list[asyncpg.Record]:
    return await worker.runtime.database.fetch("SELECT payload FROM outbox WHERE topic = 'glem.retention' ORDER BY seq")


async def test_h72_thirty_days_become_fourteen(office: Worker):
    now = office.clock.now()
    for number in range(40):
        await office.send(office.returned(number + 1, now - number * DAY, agency=STRUER))
        await office.send(office.returned(number + 101, now - number * DAY, agency=KOEGE))
    assert await office.sweep() == 20
    proposal = (await propose(office)).json()
    assert (proposal["state"], proposal["version"], proposal["period_days"]) == ("proposed", 2, 14)

    shown = await preview(office, proposal)
    # At the effective time, two days on: 16 days old to 30 are due by it alone; those of 30 and 31 days are due anyway.
    assert shown["records"] == sum(14 <= number + 2 < 30 for number in range(40))
    assert datetime.fromisoformat(shown["oldest_anchor"]) == now - 27 * DAY
    adopted = (await approve(office, proposal, shown["records"])).json()
    assert (adopted["state"], adopted["version"]) == ("adopted", 2)
    assert [step["kind"] for step in adopted["steps"]] == ["proposed", "approved"]
    assert [step["account"] for step in adopted["steps"]] == ["first", "second"]
    assert adopted["steps"][1]["records"] == shown["records"]

    await office.travel(days=2, seconds=-60)
    await office.sweep()
    assert {entry["policy_version"] for entry in await office.register()} == {1}
    await office.travel(seconds=60)
    # Those of 30 days, one of each library, would go now anyway.
    assert await office.sweep() == shown["records"] + 2
    by_new = [entry for entry in await office.register() if entry["policy_version"] == 2]
    assert len(by_new) == shown["records"] + 1
    assert {entry["agency"] for entry in by_new} == {STRUER}
    effective = datetime.fromisoformat(adopted["effective"])
    assert all(effective - timedelta(minutes=1) < entry["due_at"] <= effective for entry in by_new)
    left = await office.clocks()
    assert all(clock["anchor"] > office.clock.now() - 14 * DAY for clock in left.values() if clock["agency"] == STRUER)
    assert min(clock["anchor"] for clock in left.values() if clock["agency"] == KOEGE) < office.clock.now() - 29 * DAY


async def test_a_longer_period_never_lengthens_what_was_promised(office: Worker):
    now = office.clock.now()
    adopted = await adopt(office, period="P60D")
    effective = datetime.fromisoformat(adopted["effective"])
    await office.send(office.returned(1, now, agency=STRUER))
    await office.travel(days=3)
    await office.send(
        office.returned(2, effective, agency=STRUER), office.returned(3, office.clock.now(), agency=STRUER)
    )
    await office.travel(days=27, seconds=1)
    assert await office.sweep() == 1
    [entry] = await office.register()
    # Promised 30 days, by version 1; what was in force as it went was version 2.
    assert (entry["record_id"], entry["policy_version"], entry["due_at"]) == (1, 2, now + 30 * DAY)
    await office.travel(days=31)
    assert await office.sweep() == 0
    await office.travel(days=1, seconds=60)
    assert await office.sweep() == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"period": "P0D"}, "policy-out-of-bounds"),
        ({"period": "P3000D"}, "policy-out-of-bounds"),
        ({"period": "PT23H"}, "policy-out-of-bounds"),
        ({"period": 14}, "malformed"),
        ({"period": "P2W"}, "malformed"),
        ({"period": "P"}, "malformed"),
        ({"period": "P30D"}, "policy-unchanged"),
        ({"action": "redact"}, "policy-other-action"),
        ({"record_class": "card"}, "no-such-policy"),
        ({"record_class": "message-envelope"}, "no-such-policy"),
        ({"record_class": "nothing"}, "no-such-policy"),
        ({"effective": "2026-01-01T00:00:00+01:00"}, "policy-too-soon"),
        ({"effective": "2999-01-01T00:00:00+01:00"}, "policy-too-soon"),
        ({"wording_da": "kort"}, "malformed"),
    ],
)
async def test_h74_a_slip_is_refused_with_a_sentence(office: Worker, change: dict, problem: str):
    answer = await propose(office, **change)
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:glem:problem:{problem}"
    assert len(answer.json()["detail"]) > 20


async def test_a_day_s_notice_is_needed_also_at_the_approval(office: Worker):
    assert (
        await propose(office, effective=(office.clock.now() + DAY - timedelta(minutes=1)).isoformat())
    ).status_code == 422
    proposal = (await propose(office)).json()
    await office.travel(days=1, seconds=60)
    answer = await approve(office, proposal, 0)
    assert answer.json()["type"] == "urn:glem:problem:policy-too-soon"


async def test_a_second_person_must_approve_and_have_seen_the_number(office: Worker):
    now = office.clock.now()
    await office.send(*(office.returned(number, now - 20 * DAY, agency=STRUER) for number in range(1, 101)))
    proposal = (await propose(office)).json()
    assert (await approve(office, proposal, 100, account="first")).json()["type"].endswith("second-person-needed")
    for wrong in (0, 50, 89, 112, 10**9):
        answer = await approve(office, proposal, wrong)
        assert (answer.status_code, answer.json()["records"]) == (409, 100)
    await office.send(*(office.returned(number, now - 20 * DAY, agency=STRUER) for number in range(101, 115)))
    assert (await approve(office, proposal, 100)).json()["records"] == 114
    assert office.runtime.agencies.terms(STRUER, "loan")[-1].version == 1
    await office.send(*(office.returned(number, now, version=2, agency=STRUER) for number in range(111, 115)))
    assert (await approve(office, proposal, 100)).status_code == 200
    for again in (approve(office, proposal, 110), approve(office, proposal, 110, account="third")):
        assert (await again).json()["type"].endswith("proposal-ended")


async def test_a_withdrawn_proposal_is_over_and_stays_on_record(office: Worker):
    proposal = (await propose(office)).json()
    path = f"/policies/proposals/{proposal['proposal_id']}"
    answer = await office.client.delete(path, headers=bearer("second"))
    assert answer.json()["state"] == "withdrawn"
    assert (await approve(office, proposal, 0)).status_code == 409
    assert (await office.client.delete(path, headers=bearer())).status_code == 409
    assert (await office.client.get(f"{path}/preview", headers=bearer())).status_code == 409
    [shown] = (await office.client.get("/policies/proposals", headers=bearer(scopes="retention:read"))).json()
    assert [step["kind"] for step in shown["steps"]] == ["proposed", "withdrawn"]
    assert {step["account"] for step in shown["steps"]} == {None}
    assert (await office.client.get("/policies/proposals", headers=bearer(agency=KOEGE))).json() == []


async def test_another_library_sees_and_does_nothing(office: Worker):
    proposal = (await propose(office)).json()
    path = f"/policies/proposals/{proposal['proposal_id']}"
    theirs = bearer("other", agency=KOEGE)
    for answer in (
        await office.client.get(f"{path}/preview", headers=theirs),
        await office.client.post(f"{path}/approval", json={"records": 0}, headers=theirs),
        await office.client.delete(path, headers=theirs),
    ):
        assert answer.json()["type"] == "urn:glem:problem:wrong-agency"
    assert (await office.client.get("/policies/proposals/1/preview", headers=theirs)).status_code == 404
    assert (await propose(office, agency="*")).status_code == 422


@pytest.mark.parametrize("periods", [(14,), (14, 30), (60, 10), (45, 20, 90)])
async def test_the_preview_counts_what_each_record_says_by_itself(office: Worker, periods: tuple[int, ...]):
    start, chance = office.clock.now(), random.Random(7)
    terms = list(office.runtime.agencies.terms(STRUER, "loan"))
    for place, days in enumerate(periods):
        effective = office.clock.now() + timedelta(days=2, hours=chance.randrange(300))
        anchors = [start + timedelta(hours=chance.randrange(-1400, 200)) for _ in range(80)]
        base = 1000 * (place + 1)
        await office.send(*(office.returned(base + each, at, agency=STRUER) for each, at in enumerate(anchors)))
        known = [clock["anchor"] for clock in (await office.clocks()).values() if clock["anchor"] is not None]
        proposal = (await propose(office, period=f"P{days}D", effective=effective.isoformat())).json()
        new = PolicyTerms(terms[-1].version + 1, days * DAY, "erase", effective)
        hit = [at for at in known if due_at([*terms, new], at) <= effective < due_at(terms, at)]
        shown = await preview(office, proposal)
        assert shown["records"] == len(hit)
        assert shown["oldest_anchor"] is None or datetime.fromisoformat(shown["oldest_anchor"]) == min(hit)
        assert (await approve(office, proposal, len(hit))).status_code == 200
        terms.append(new)
        office.clock.travel(effective - office.clock.now() + timedelta(hours=1))


async def test_h76_the_line_names_the_version_in_force_as_the_record_went(office: Worker):
    adopted = await adopt(office)
    effective = datetime.fromisoformat(adopted["effective"])
    await office.send(office.returned(1, effective - 30 * DAY - timedelta(seconds=30), agency=STRUER))
    await office.send(office.returned(2, effective - 29 * DAY, agency=STRUER))
    office.clock.freeze(effective - timedelta(seconds=1))
    assert await office.sweep() == 1
    office.clock.travel(timedelta(seconds=1))
    assert await office.sweep() == 1
    assert {entry["record_id"]: entry["policy_version"] for entry in await office.register()} == {1: 1, 2: 2}


async def test_an_owner_that_does_not_know_a_version_yet_refuses_and_is_asked_again(office: Worker):
    office.owner.cutoff = lambda _: office.clock.now() - 30 * DAY
    await adopt(office)
    now = office.clock.now()
    await office.send(office.returned(1, now - 15 * DAY, agency=STRUER))
    await office.travel(days=2, seconds=1)
    assert await office.sweep() == 0
    assert len(office.owner.orders) == 1
    office.owner.cutoff = lambda _: office.clock.now() - 14 * DAY
    await office.runtime.database.execute("UPDATE clock SET not_before = NULL")
    assert await office.sweep() == 1


async def test_owners_are_told_of_every_version_and_again(office: Worker):
    first = adoptions(await outbox(office))
    policies = sum(len(agency.retention) for agency in office.runtime.agencies.values())
    assert len(first) == policies
    await adopt(office)
    told = adoptions(await outbox(office))[-1]
    assert told["source"].endswith(f"/{STRUER}")
    assert told["data"]["period_seconds"] == 14 * 86400
    assert told["data"]["version"] == 2
    assert "first" not in str(told)
    await office.task("tell-policies")
    assert len(adoptions(await outbox(office))) == 2 * policies + 2


async def test_a_file_changed_without_a_higher_version_stops_the_start(office: Worker, monkeypatch: pytest.MonkeyPatch):
    await adopt(office)
    agency = office.runtime.agencies[STRUER]

    def edit(**changes: object) -> None:
        policy = agency.retention["loan"].model_copy(update=changes)
        monkeypatch.setattr(
            office.runtime.agencies,
            "_agencies",
            {
                **office.runtime.agencies._agencies,
                STRUER: type(agency)(
                    agency.identity, {**agency.retention, "loan": policy}, agency.sections, Path("struer.toml")
                ),
            },
        )

    async def start() -> None:
        for prepare in office.runtime.starting:
            await prepare()

    edit(period=10 * DAY)
    with pytest.raises(
        PolicyFileError, match=r"struer.toml: \[retention.loan\] differs from version 1 .* change version 3"
    ):
        await start()
    edit(period=10 * DAY, version=3, effective=office.clock.now() + 2 * DAY + timedelta(hours=1))
    await start()
    assert [terms.version for terms in office.runtime.agencies.terms(STRUER, "loan")] == [1, 2, 3]
    edit(period=9 * DAY, version=4, effective=office.clock.now() + 2 * DAY + timedelta(hours=2))
    await office.travel(days=1, hours=3)
    with pytest.raises(PolicyFileError, match="at least 24 hours ahead"):
        await start()


async def test_what_was_adopted_is_append_only_but_for_names(office: Worker):
    await adopt(office)
    database = office.runtime.database
    for statement in (
        "UPDATE policy_version SET period = '1 day'",
        "DELETE FROM policy_version",
        "TRUNCATE policy_version",
        "UPDATE policy_proposal SET wording_da = ''",
        "DELETE FROM policy_step",
        "UPDATE policy_step SET account = 'x'",
        "UPDATE policy_step SET account = NULL, kind = 'proposed'",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await database.execute(statement)
    await office.hear_itself()
    assert await office.sweep() == 0
    await office.travel(days=3 * 365 + 1, seconds=1)
    [shown] = (await office.client.get("/policies/proposals", headers=bearer())).json()
    assert [step["account"] for step in shown["steps"]] == [None, None]
    # Two steps, and the number that the approver acknowledged.
    assert await office.sweep() == 3
    assert await office.sweep() == 0
    rows = await database.fetch("SELECT account, kind FROM policy_step ORDER BY step")
    assert [tuple(row) for row in rows] == [(None, "proposed"), (None, "approved")]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/policies/proposals", "retention:read"),
        ("POST", "/policies/proposals", "retention:write"),
        ("GET", "/policies/proposals/1/preview", "retention:read"),
        ("POST", "/policies/proposals/1/approval", "retention:write"),
        ("DELETE", "/policies/proposals/1", "retention:write"),
        ("GET", "/breakers", "retention:read"),
        ("POST", "/breakers/DK-767100/loan/acknowledgement", "retention:write"),
    ],
)
async def test_each_route_wants_its_scope(worker: Worker, method: str, path: str, scope: str):
    assert (await worker.client.request(method, path)).status_code == 401
    others = " ".join(
        {"self", "retention:read", "retention:write"} - {scope, "retention:read" if scope == "retention:read" else ""}
    )
    assert (await worker.client.request(method, path, headers=bearer(scopes=others), json={})).status_code == 403
