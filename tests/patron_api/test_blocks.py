"""Blocks: by staff, and by debts that come twice, late and out of order (R14, R15, R57)."""

from datetime import timedelta

import pytest

from glem_contracts.events import DebtPaid, DebtRaised, DebtSettled, PatronBlocked, PatronUnblocked


def make_debt(patron_id, version, *, over=True, balance=20000, event=DebtRaised, **more):
    return event(
        patron_id=patron_id, kind="fee", amount=20000, balance=balance, patron_balance=balance,
        balance_version=version, over_limit=over, **more,
    )  # fmt: skip


@pytest.fixture
def snapshot(suite):
    async def read(patron_id):
        answer = await suite.http.get(f"/patrons/{patron_id}/snapshot", headers=await suite.bearer("service"))
        return answer.json()

    return read


def problem_of(answer):
    return answer.json()["type"].rpartition(":")[2]


async def test_debts_block_at_the_limit_and_unblock_below_it(suite, snapshot):
    patron_id = (await suite.make_patron())["patron_id"]
    bystander = (await suite.make_patron())["patron_id"]
    await suite.hear(make_debt(patron_id, 1))
    assert (await snapshot(patron_id))["blocks"] == ["E"]
    await suite.hear(make_debt(patron_id, 2, over=False, balance=0, event=DebtSettled, how="paid"))
    assert (await snapshot(patron_id))["blocks"] == []
    assert await snapshot(bystander) == {**await snapshot(bystander), "version": 1, "blocks": []}
    [lifted] = await suite.events(PatronUnblocked)
    [clock] = lifted["data"]["clocks"]
    assert clock["record_class"] == "lifted-block"
    assert clock["anchor"] == suite.clock.now().isoformat().replace("+00:00", "Z")


async def test_debts_in_any_order_and_any_number_of_times_come_to_the_same(suite, snapshot):
    patron_id = (await suite.make_patron())["patron_id"]
    raised = make_debt(patron_id, 1)
    paid = make_debt(patron_id, 2, over=False, balance=5000, event=DebtPaid, paid=15000)
    again = make_debt(patron_id, 3)
    for event in (again, raised, paid, again, raised):
        await suite.hear(event)
    assert (await snapshot(patron_id))["blocks"] == ["E"]
    assert len(await suite.events(PatronBlocked)) == 1
    await suite.hear(make_debt(patron_id, 4, over=False, balance=0, event=DebtSettled, how="waived"))
    await suite.hear(again)
    assert (await snapshot(patron_id))["blocks"] == []


async def test_a_debt_of_nobody_or_of_another_agency_changes_nothing(suite, snapshot):
    patron_id = (await suite.make_patron())["patron_id"]
    await suite.hear(make_debt(4711, 1))
    await suite.hear(make_debt(patron_id, 1), agency="DK-773000")
    assert (await snapshot(patron_id))["blocks"] == []


async def test_staff_sets_and_lifts_blocks_gravest_first(suite, snapshot):
    patron_id = (await suite.make_patron())["patron_id"]
    headers = await suite.bearer("librarian")
    for code in "WSUFOD":
        body = {"code": code, "reason": "Aftalt ved skranken"}
        assert (await suite.http.post(f"/patrons/{patron_id}/blocks", json=body, headers=headers)).status_code == 201
    await suite.hear(make_debt(patron_id, 1))
    assert (await snapshot(patron_id))["blocks"] == ["D", "O", "F", "U", "S", "E", "W"]
    again = await suite.http.post(f"/patrons/{patron_id}/blocks", json={"code": "U"}, headers=headers)
    assert problem_of(again) == "already-blocked"
    for method, url, body in (
        ("POST", "/blocks", {"code": "E"}),
        ("DELETE", "/blocks/E", None),
    ):
        answer = await suite.http.request(method, f"/patrons/{patron_id}{url}", json=body, headers=headers)
        assert problem_of(answer) == "block-follows-debt"
    assert (await suite.http.delete(f"/patrons/{patron_id}/blocks/U", headers=headers)).status_code == 204
    gone = await suite.http.delete(f"/patrons/{patron_id}/blocks/U", headers=headers)
    assert problem_of(gone) == "not-blocked"
    assert (await snapshot(patron_id))["blocks"] == ["D", "O", "F", "S", "E", "W"]
    [row] = (
        await suite.http.post(
            "/contacts/resolve", json={"patron_ids": [patron_id]}, headers=await suite.bearer("service")
        )
    ).json()
    assert row["deceased"]


async def test_a_reason_names_no_work(suite):
    patron_id = (await suite.make_patron())["patron_id"]
    body = {"code": "U", "reason": "mangler Harry Potter 3"}
    answer = await suite.http.post(f"/patrons/{patron_id}/blocks", json=body, headers=await suite.bearer("librarian"))
    assert problem_of(answer) == "reason-names-work"
    assert "Harry" not in answer.text


async def test_a_lifted_block_is_seen_for_its_period_and_then_not(suite):
    patron_id = (await suite.make_patron())["patron_id"]
    headers = await suite.bearer("librarian")
    await suite.http.post(f"/patrons/{patron_id}/blocks", json={"code": "U"}, headers=headers)
    await suite.http.delete(f"/patrons/{patron_id}/blocks/U", headers=headers)
    period = suite.runtime.agencies["DK-725900"].retention["lifted-block"].period
    suite.clock.travel(period - timedelta(seconds=1))
    assert len((await suite.http.get(f"/patrons/{patron_id}", headers=headers)).json()["blocks"]) == 1
    suite.travel(seconds=1)
    assert (await suite.http.get(f"/patrons/{patron_id}", headers=headers)).json()["blocks"] == []
