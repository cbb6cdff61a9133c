"""Legal holds: named records stay, for a named time, by somebody who answers for it; never what is gone."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glem_contracts.disposals import OverdueRecord
from glem_contracts.events import DebtErased, LoanReturned
from glem_contracts.events.envelope import Erasure, RecordClock
from retention_worker.holds import rules

from .conftest import KOEGE, STRUER, Worker, token
from .holding import bearer, place, returned


async def post(worker: Worker, path: str, **body: object) -> dict:
    return (await worker.client.post(path, json=body, headers=bearer())).json()


async def status(worker: Worker) -> dict:
    return (await worker.client.get("/status", headers=bearer())).json()


async def test_h46_a_hold_suspends_the_named_loans_only_and_its_release_makes_them_due_at_once(worker: Worker):
    await returned(worker, 1, 2, 3)
    await worker.travel(days=20)
    hold = await place(worker, 1, 2)
    assert (hold["author"], hold["reason"], hold["active"], hold["unseen"]) == ("dpo", "Sag 2026-17", True, [])
    assert hold["records"] == [{"record_class": "loan", "record_ids": [1, 2]}]

    await worker.travel(days=20)
    assert await worker.sweep() == 1
    assert set(worker.owner.anchors) == {1, 2}
    shown = await status(worker)
    assert (shown["overdue"], shown["held"]) == (0, 2)
    [loans] = [scope for scope in shown["scopes"] if scope["record_class"] == "loan"]
    assert (loans["held"], loans["overdue"], loans["oldest_overdue_seconds"]) == (2, 0, 0)

    [sweeps] = [task for task in worker.runtime.tasks if task.name == "sweep"]
    sweeps._awake.clear()
    released = await post(worker, f"/holds/{hold['hold_id']}/release")
    assert (released["active"], released["released_by"]) == (False, "dpo")
    assert sweeps._awake.is_set()
    assert (await status(worker))["overdue"] == 2
    assert await worker.sweep() == 2


async def test_h48_a_hold_has_an_end_within_a_year_and_holds_no_longer(worker: Worker):
    await returned(worker, 1)
    now = worker.clock.now()
    assert (await place(worker, 1, status=422, ends_at=None))["type"] == "urn:glem:problem:malformed"
    for wrong in (now - timedelta(seconds=5), now + timedelta(days=366)):
        assert (await place(worker, 1, status=422, ends_at=wrong.isoformat()))["type"] == "urn:glem:problem:hold-end"

    await place(worker, 1)
    await worker.travel(days=54)
    assert await worker.sweep() == 0
    await worker.task("figures")
    text = (await worker.client.get("/metrics")).text
    assert f'glem_holds_active{{agency="{KOEGE}",kind="police"}} 1.0' in text
    assert f'glem_holds_ending{{agency="{KOEGE}",kind="police"}} 1.0' in text
    assert f'glem_held_erasures{{agency="{KOEGE}",record_class="loan"}} 1.0' in text

    await worker.travel(days=6, seconds=5)
    assert await worker.sweep() == 1
    await worker.task("figures")
    text = (await worker.client.get("/metrics")).text
    assert f'glem_holds_active{{agency="{KOEGE}",kind="police"}} 0.0' in text
    [hold] = (await worker.client.get("/holds", params={"active": False}, headers=bearer())).json()
    assert hold["active"] is False


async def test_an_extension_holds_on_and_is_bounded(worker: Worker):
    await returned(worker, 1)
    hold = await place(worker, 1)
    await worker.travel(days=50)
    later = worker.clock.now() + timedelta(days=100)
    path = f"/holds/{hold['hold_id']}/extension"
    assert (await post(worker, path, ends_at=later.isoformat()))["active"] is True
    too_late = (worker.clock.now() + timedelta(days=366)).isoformat()
    assert (await post(worker, path, ends_at=too_late))["type"] == "urn:glem:problem:hold-end"
    await worker.travel(days=60)
    assert await worker.sweep() == 0
    await worker.travel(days=50)
    assert (await post(worker, path, ends_at=(later + timedelta(days=9)).isoformat()))[
        "type"
    ] == "urn:glem:problem:hold-over"
    assert (await post(worker, f"/holds/{hold['hold_id']}/release"))["type"] == "urn:glem:problem:hold-over"
    assert await worker.sweep() == 1


async def test_h49_a_restriction_at_the_patrons_wish_is_a_hold_that_its_owner_can_tell_the_patron_of(worker: Worker):
    await returned(worker, 1, 2)
    await place(worker, 1, kind="patron-request", reason="Kravssag, artikel 18")
    service = {"authorization": f"Bearer {token('service', 'retention:read')}"}
    body = {"record_class": "loan", "record_ids": [1, 2]}
    [held] = (await worker.client.post("/holds/lookup", json=body, headers=service)).json()
    assert (held["record_id"], held["kind"]) == (1, "patron-request")
    assert "reason" not in held
    await worker.travel(days=31)
    assert await worker.sweep() == 1


async def test_nothing_is_held_when_one_of_the_records_is_gone(worker: Worker):
    await returned(worker, 1)
    await worker.travel(days=31)
    await worker.sweep()
    await returned(worker, 2)
    refused = await place(worker, 1, 2, 3, status=409)
    assert refused["type"] == "urn:glem:problem:record-gone"
    assert refused["records"] == [{"record_class": "loan", "record_ids": [1]}]
    assert set(await worker.clocks()) == {2}
    await worker.travel(days=31)
    assert await worker.sweep() == 1


async def test_of_two_holds_on_a_record_the_longer_counts(worker: Worker):
    await returned(worker, 1)
    first = await place(worker, 1)
    second = await place(worker, 1, ends_at=(worker.clock.now() + timedelta(days=90)).isoformat(), kind="claim")
    await post(worker, f"/holds/{second['hold_id']}/release")
    await worker.travel(days=40)
    assert await worker.sweep() == 0
    await post(worker, f"/holds/{first['hold_id']}/release")
    assert await worker.sweep() == 1


async def test_a_loan_that_is_still_open_can_be_held_and_is_named_as_unseen(worker: Worker):
    hold = await place(worker, 1)
    assert hold["unseen"] == [{"record_class": "loan", "record_ids": [1]}]
    await returned(worker, 1)
    [seen] = (await worker.client.get("/holds", headers=bearer())).json()
    assert seen["unseen"] == []
    await worker.travel(days=31)
    assert await worker.sweep() == 0
    await worker.travel(days=30)
    assert await worker.sweep() == 1


async def test_a_hold_does_not_reach_another_librarys_records(worker: Worker):
    await returned(worker, 1, agency=STRUER)
    assert (await place(worker, 1, status=409))["type"] == "urn:glem:problem:record-of-another-agency"
    await place(worker, 2)
    await returned(worker, 2, agency=STRUER)
    await worker.travel(days=31)
    assert await worker.sweep() == 2


async def test_a_hold_outlives_every_event_about_the_record(worker: Worker):
    start = worker.clock.now()
    await returned(worker, 1)
    await place(worker, 1)
    await worker.send(worker.returned(1, None, version=2), worker.returned(1, start, version=3))
    await worker.travel(days=31)
    assert await worker.sweep() == 0


async def test_the_audit_leaves_held_records_alone(worker: Worker):
    start = worker.clock.now()
    await returned(worker, 1)
    await place(worker, 1)
    await worker.travel(days=31)
    worker.owner.overdue = [OverdueRecord(record_id=1, version=1, anchor=start)]
    assert await worker.task("audit") == 0
    assert await worker.sweep() == 0


async def test_a_thousand_held_records_do_not_hide_from_the_audit_what_was_missed(worker: Worker):
    start = worker.clock.now()
    held = range(1, 1001)
    await returned(worker, *held)
    await place(worker, *held)
    await worker.travel(days=31)
    missed = worker.clock.now() - timedelta(days=30)
    worker.owner.anchors[4711] = missed
    worker.owner.overdue = [OverdueRecord(record_id=record_id, version=1, anchor=start) for record_id in held]
    worker.owner.overdue.append(OverdueRecord(record_id=4711, version=1, anchor=missed))
    assert await worker.task("audit") == 1
    assert await worker.sweep() == 1


async def test_what_an_owner_erased_in_spite_of_a_hold_is_registered_and_said(
    worker: Worker, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    await returned(worker, 1)
    await place(worker, 1)
    erased = [Erasure(record_class="loan", record_ids=[1])]
    await worker.send(worker.event(DebtErased(erased=erased), 1))
    assert len(await worker.register()) == 1
    # Where the line goes depends on whether a test before this one has configured the logs.
    assert "held_records_gone" in capsys.readouterr().out + caplog.text


async def test_other_classes_than_loans_can_be_held_but_not_what_goes_at_once(worker: Worker):
    clock = RecordClock(record_class="debt", record_id=5, version=1, anchor=worker.clock.now())
    data = LoanReturned(patron_id=1, branch="x", returned_at=worker.clock.now(), late=False, clocks=[clock])
    await worker.send(worker.event(data, 5))
    await place(worker, records=[{"record_class": "debt", "record_ids": [5]}])
    for name in ("reservation", "unheard-of"):
        refused = await place(worker, records=[{"record_class": name, "record_ids": [5]}], status=422)
        assert refused["type"] == "urn:glem:problem:record-class-not-holdable"
    assert (await place(worker, records=[{"record_class": "loan"}], status=422))["type"].endswith("malformed")


async def test_reasons_are_for_those_who_may_place_holds(worker: Worker):
    await place(worker, 1)
    [hold] = (await worker.client.get("/holds", headers=bearer("retention:read", name="dashboard"))).json()
    assert (hold["author"], hold["reason"], hold["kind"]) == (None, None, "police")
    assert (await worker.client.get("/holds", headers=bearer(agency=STRUER))).json() == []
    for path in ("/holds", f"/holds/{hold['hold_id']}/release", f"/holds/{hold['hold_id']}/extension"):
        assert (await worker.client.post(path, json={}, headers=bearer("retention:read"))).status_code == 403
    elsewhere = bearer(agency=STRUER)
    assert (await worker.client.post(f"/holds/{hold['hold_id']}/release", headers=elsewhere)).status_code == 403
    assert (await worker.client.post("/holds/77/release", headers=bearer())).json()["type"].endswith("no-such-hold")
    assert (await place(worker, 9, status=403, agency=STRUER))["type"] == "urn:glem:problem:wrong-agency"
    everywhere = bearer(agency="*")
    assert (await place(worker, 9, status=422, who=everywhere))["type"] == "urn:glem:problem:agency-missing"
    assert (await place(worker, 9, who=everywhere, agency=STRUER))["agency"] == STRUER


@given(
    day=st.integers(61, 91),
    month=st.integers(1, 12),
    rest=st.integers(0, 99_9999),
    shape=st.sampled_from(["{}{}{}{}", "{}{}{}-{}", "{}{}{} {}", "{}-{}-{}-{}", "{} {} {} {}", "{}.{}.{}-{}"]),
)
def test_a_reason_with_a_cpr_number_is_refused_however_it_is_written(day: int, month: int, rest: int, shape: str):
    text = shape.format(day, f"{month:02}", f"{rest // 10_000:02}", f"{rest % 10_000:04}")
    assert rules.CPR_LIKE.search(f"Sag om {text}, se akten")


@pytest.mark.parametrize(
    "text", ["Sag 2026-17", "J.nr. 5100-10284-00312-21", "tlf. 56 67 01 23", "11. marts 2026 kl. 10"]
)
def test_a_case_number_is_no_cpr_number(text: str):
    assert not rules.CPR_LIKE.search(text)


async def test_a_cpr_number_in_the_reason_is_refused_and_not_repeated(worker: Worker):
    refused = await place(worker, 1, status=422, reason="Krav mod 610190-1234")
    assert refused["type"] == "urn:glem:problem:cpr-in-text"
    assert "610190" not in str(refused)


async def test_the_events_of_a_hold_hold_codes_dates_and_counts_only(worker: Worker):
    await returned(worker, 1)
    hold = await place(worker, 1)
    await post(worker, f"/holds/{hold['hold_id']}/extension", ends_at=hold["ends_at"])
    await post(worker, f"/holds/{hold['hold_id']}/release")
    await post(worker, f"/holds/{hold['hold_id']}/release")
    rows = await worker.runtime.database.fetch("SELECT topic, payload FROM outbox ORDER BY seq")
    told = [row["payload"].decode() for row in rows if row["topic"] == "glem.retention"]
    assert [text.split('"type":"')[1].split('"')[0] for text in told] == [
        "LegalHoldPlaced",
        "LegalHoldExtended",
        "LegalHoldReleased",
    ]
    assert not any(word in text for text in told for word in ("Sag", "dpo", "reason", "author"))


async def listed(worker: Worker) -> list[int]:
    return [hold["hold_id"] for hold in (await worker.client.get("/holds", headers=bearer(agency="*"))).json()]


async def test_a_hold_goes_by_its_clock_a_year_after_its_end(worker: Worker):
    await returned(worker, 1)
    ended, released = (await place(worker, 1, 8))["hold_id"], (await place(worker, 9))["hold_id"]
    await post(worker, f"/holds/{released}/release")
    await worker.hear_itself()
    clocks = await worker.clocks()
    assert [(clocks[hold]["record_class"], clocks[hold]["version"]) for hold in (ended, released)] == [
        ("legal-hold", 1),
        ("legal-hold", 2),
    ]
    await worker.send(worker.returned(1, None, version=2))
    await worker.travel(days=364)
    assert await worker.sweep() == 0
    assert set(await listed(worker)) == {ended, released}
    await worker.travel(days=2)
    assert await listed(worker) == [ended]
    for path, body in (("release", {}), ("extension", {"ends_at": ended_later(worker)})):
        assert (await post(worker, f"/holds/{released}/{path}", **body))["type"].endswith("no-such-hold")
    assert await worker.sweep() == 1
    assert [row["hold_id"] for row in await worker.runtime.database.fetch("SELECT * FROM legal_hold")] == [ended]
    await worker.travel(days=60)
    assert await worker.sweep() == 1
    assert set(await worker.clocks()) == {1}
    lines = await worker.register()
    assert {(line["record_class"], line["record_id"], line["outcome"]) for line in lines} == {
        ("legal-hold", ended, "erased"),
        ("legal-hold", released, "erased"),
    }
    row = await worker.runtime.database.fetchval("SELECT payload FROM outbox ORDER BY seq DESC OFFSET 1 LIMIT 1")
    assert "LegalHoldErased" in row.decode()


def ended_later(worker: Worker) -> str:
    return (worker.clock.now() + timedelta(days=3)).isoformat()


async def test_the_audit_finds_a_hold_that_no_event_told_of_and_an_extension_moves_its_end(worker: Worker):
    hold = await place(worker, 1)
    later = worker.clock.now() + timedelta(days=100)
    await post(worker, f"/holds/{hold['hold_id']}/extension", ends_at=later.isoformat())
    await worker.travel(days=464)
    assert await worker.task("audit") == 0
    await worker.travel(days=2)
    assert await worker.task("audit") == 1
    clock = (await worker.clocks())[hold["hold_id"]]
    assert (clock["version"], clock["anchor"]) == (2, later)
    assert await worker.sweep() == 1


async def test_a_clock_without_an_event_stays_while_another_hold_calls_for_it(worker: Worker):
    first, second = await place(worker, 8), await place(worker, 8)
    await post(worker, f"/holds/{first['hold_id']}/release")
    await worker.hear_itself()
    await worker.travel(days=366)
    assert await worker.sweep() == 1
    assert set(await worker.clocks()) == {8, second["hold_id"]}
    await worker.travel(days=60)
    assert await worker.sweep() == 1
    assert await worker.clocks() == {}


async def test_ten_thousand_held_records_do_not_hold_up_the_sweep(worker: Worker):
    database = worker.runtime.database
    start = worker.clock.now()
    await database.execute(
        """
        INSERT INTO clock (record_class, record_id, agency, version, anchor, tries, held_until)
        SELECT 'loan', n, $1, 1, $2::timestamptz - interval '50 days', 0, $2::timestamptz + interval '90 days'
        FROM generate_series(1, 10000) n
        """,
        KOEGE,
        start,
    )
    await returned(worker, 20_001)
    await worker.travel(days=31)
    assert await worker.sweep() == 1
    assert (await status(worker))["held"] == 10_000
