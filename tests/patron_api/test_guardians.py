"""Guardians: consent before registration, log-in for the child, forgotten at 18 (R26-R28)."""

from datetime import date, datetime, timedelta

import pytest

from glem.clock import end_of_local_day, local_date
from glem_contracts.events import DebtRaised, DebtSettled, PatronDataErased, PatronDataKept

KOEGE, RANDERS, STRUER = "DK-725900", "DK-773000", "DK-767100"
CHILD = "150614"


def problem_of(answer):
    return answer.json()["type"].rpartition(":")[2]


def make_guardian(**changes):
    return {"consent_on": "2026-08-01", "name": "Vera Værge", "phone": "20123456", **changes}


@pytest.mark.parametrize(
    ("guardian", "name"),
    [
        (None, "guardian-consent-missing"),
        (make_guardian(consent_on="2099-01-01"), "guardian-consent-late"),
        (make_guardian(phone=None), "guardian-incomplete"),
        (make_guardian(cpr="x"), "malformed-cpr"),
        (make_guardian(phone="x"), "malformed-phone"),
        (make_guardian(cpr="7506144900"), "guardian-under-age"),
    ],
)
async def test_a_child_is_not_registered_without(suite, guardian, name):
    answer = await suite.register(cpr=suite.cpr(CHILD), patron_group="child", guardian=guardian)
    assert problem_of(answer) == name
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM patron") == 0


async def test_child_and_guardian_are_two_people(suite):
    cpr = suite.cpr(CHILD)
    answer = await suite.register(cpr=cpr, patron_group="child", guardian=make_guardian(cpr=f"{cpr[:6]}-{cpr[6:]}"))
    assert (answer.status_code, problem_of(answer)) == (400, "guardian-is-patron")


async def test_struer_gives_a_child_card_without_consent(suite):
    cards = [{"kind": "child", "number": "270011223366"}]
    made = await suite.make_patron(STRUER, cpr=suite.cpr(CHILD), patron_group="child", cards=cards)
    assert made["guardian"] is None
    assert (await suite.log_in("270011223366", "2468", STRUER)).status_code == 200


async def test_each_agency_keeps_of_the_guardian_what_its_policy_says(suite):
    kept = {}
    for agency in (KOEGE, RANDERS):
        parent = suite.cpr()
        guardian = make_guardian(cpr=parent)
        made = await suite.make_patron(agency, cpr=suite.cpr(CHILD), patron_group="child", guardian=guardian)
        row = await suite.runtime.database.fetchrow("SELECT * FROM guardian WHERE patron_id = $1", made["patron_id"])
        kept[agency] = (row["cpr"] == parent, row["name"], "guardian-fields-not-kept" in str(made["warnings"]))
    assert kept == {KOEGE: (False, "Vera Værge", True), RANDERS: (True, "Vera Værge", False)}


@pytest.mark.parametrize("agency", [KOEGE, RANDERS])
async def test_a_guardian_who_is_a_patron_acts_for_the_child(suite, agency):
    parent = suite.cpr()
    await suite.make_patron(agency, cpr=parent)
    guardian, young = make_guardian(cpr=parent), suite.cpr(CHILD)
    child = await suite.make_patron(agency, cpr=young, patron_group="child", guardian=guardian)
    mine = await suite.http.get("/patrons/me", headers=await suite.patron_bearer(young, agency))
    assert mine.json()["guardian"] is None
    other = await suite.make_patron(agency)
    headers = await suite.patron_bearer(parent, agency)
    seen = await suite.http.get(f"/patrons/{child['patron_id']}", headers=headers)
    assert seen.json()["name"] == "Karen Prøvesen"
    assert seen.json()["guardian"]["name"] == "Vera Værge"
    assert problem_of(await suite.http.get(f"/patrons/{other['patron_id']}", headers=headers)) == "missing-scope"
    changed = await suite.http.put(f"/patrons/{child['patron_id']}/permissions", json={"sms": True}, headers=headers)
    assert changed.json()["sms"]


async def clocks_of(suite, patron_id):
    """The clocks that were told of a child's guardian: version and anchor."""
    [row] = await suite.runtime.database.fetch("SELECT guardian_id FROM guardian WHERE patron_id = $1", patron_id)
    clocks = [clock for event in await suite.events(PatronDataKept) for clock in event["data"]["clocks"]]
    return [
        (clock["version"], clock["anchor"] and datetime.fromisoformat(clock["anchor"]))
        for clock in clocks
        if (clock["record_class"], clock["record_id"]) == ("guardian", row["guardian_id"])
    ]


def owed(patron_id, balance, version):
    debt = {"patron_id": patron_id, "kind": "fee", "amount": 100, "over_limit": False, "balance": balance}
    event = DebtRaised(**debt, patron_balance=balance, balance_version=version)
    return event if balance else DebtSettled(**event.model_dump(), how="paid")


async def test_the_guardian_is_forgotten_at_18_when_nothing_is_owed(suite, dispose, overdue):
    today = local_date(suite.clock.now())
    turns = today + timedelta(days=2)
    born = date(turns.year - 18, turns.month, turns.day).strftime("%d%m%y")
    first, owing = [
        (await suite.make_patron(cpr=suite.cpr(born), patron_group="child", guardian=make_guardian()))["patron_id"]
        for _ in range(2)
    ]
    younger = (await suite.make_patron(cpr=suite.cpr(CHILD), patron_group="child", guardian=make_guardian()))[
        "patron_id"
    ]
    await suite.hear(owed(owing, 100, 1))
    rows = await suite.runtime.database.fetch("SELECT patron_id, guardian_id FROM guardian")
    ids = {row["patron_id"]: row["guardian_id"] for row in rows}
    birthday = end_of_local_day(turns - timedelta(days=1))
    assert await clocks_of(suite, first) == [(1, birthday)]
    assert await clocks_of(suite, owing) == [(1, birthday), (2, None)]
    early = await dispose("guardian", *ids.values())
    assert sorted(refused["reason"] for refused in early["refused"]) == ["held", "not-due", "not-due"]
    assert await overdue("guardian") == []
    suite.clock.freeze(birthday)
    headers = await suite.bearer("librarian")
    assert (await suite.http.get(f"/patrons/{first}", headers=headers)).json()["guardian"] is None
    assert (await suite.http.get(f"/patrons/{owing}", headers=headers)).json()["guardian"] is not None
    assert await overdue("guardian") == [ids[first]]
    assert (await dispose("guardian", *ids.values()))["erased"] == [ids[first]]
    settled = suite.travel(days=3)
    await suite.hear(owed(owing, 0, 2))
    assert await clocks_of(suite, owing) == [(1, birthday), (2, None), (3, settled)]
    assert (await suite.http.get(f"/patrons/{owing}", headers=headers)).json()["guardian"] is None
    assert await overdue("guardian") == [ids[owing]]
    assert (await dispose("guardian", *ids.values()))["erased"] == [ids[owing]]
    left = await suite.runtime.database.fetch("SELECT patron_id FROM guardian")
    assert [row["patron_id"] for row in left] == [younger]
    assert {e["data"]["erased"][0]["record_class"] for e in await suite.events(PatronDataErased)} == {"guardian"}


async def test_a_debt_that_is_raised_after_the_birthday_holds_no_guardian(suite, dispose, overdue):
    turns = local_date(suite.clock.now()) + timedelta(days=2)
    born = date(turns.year - 18, turns.month, turns.day).strftime("%d%m%y")
    patron = (await suite.make_patron(cpr=suite.cpr(born), patron_group="child", guardian=make_guardian()))["patron_id"]
    suite.clock.freeze(end_of_local_day(turns - timedelta(days=1)))
    await suite.hear(owed(patron, 100, 1))
    assert len(await clocks_of(suite, patron)) == 1
    [guardian] = await overdue("guardian")
    assert (await dispose("guardian", guardian))["erased"] == [guardian]


async def test_a_corrected_number_moves_the_end(suite):
    child = (await suite.make_patron(cpr=suite.cpr(CHILD), patron_group="child", guardian=make_guardian()))["patron_id"]
    corrected = {"cpr": suite.cpr("160614")}
    await suite.hear(owed(child, 100, 1))
    await suite.hear(owed(child, 0, 2))
    url = f"/patrons/{child}/cpr-update"
    answer = await suite.http.post(url, json=corrected, headers=await suite.bearer("librarian"))
    assert answer.status_code == 200, answer.text
    before, after = (end_of_local_day(date(2032, 6, day)) for day in (14, 15))
    assert await clocks_of(suite, child) == [(1, before), (2, None), (3, before), (4, after)]
    await suite.hear(owed(child, 100, 3))
    answer = await suite.http.post(url, json={"cpr": suite.cpr(CHILD)}, headers=await suite.bearer("librarian"))
    assert (await clocks_of(suite, child))[4:] == [(5, None), (6, None)]
    body = make_guardian(name="Viggo Værge", phone="20654321")
    await suite.http.put(f"/patrons/{child}/guardian", json=body, headers=await suite.bearer("librarian"))
    assert await clocks_of(suite, child) == [(1, None)]


async def test_a_guardian_is_replaced_and_the_former_ones_data_goes(suite):
    child = await suite.make_patron(cpr=suite.cpr(CHILD), patron_group="child", guardian=make_guardian())
    url = f"/patrons/{child['patron_id']}/guardian"
    body = make_guardian(name="Viggo Værge", phone="20654321")
    assert (await suite.http.put(url, json=body, headers=await suite.bearer("librarian"))).json() == []
    rows = str(await suite.runtime.database.fetch("SELECT * FROM guardian"))
    assert "Viggo" in rows
    assert "Vera" not in rows
    gone = [erased for event in await suite.events(PatronDataKept) for erased in event["data"]["erased"]]
    assert [(erased["record_class"], len(erased["record_ids"])) for erased in gone] == [("guardian", 1)]
