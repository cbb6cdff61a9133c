"""What expires: invisible at once, erased when ordered, by an owner who looks once more (R13, R14, R22, R23)."""

from datetime import UTC, date, datetime, timedelta

from glem.clock import end_of_local_day, local_date
from glem_contracts.events import NoteWritten, PatronChanged, PatronDataErased

KOEGE = "DK-725900"


async def write_notes(suite, patron_id, **notes):
    answer = await suite.http.put(f"/patrons/{patron_id}/notes", json=notes, headers=await suite.bearer("librarian"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_internal_note_is_for_staff_and_the_other_for_both(suite):
    cpr = suite.cpr()
    patron_id = (await suite.make_patron(cpr=cpr))["patron_id"]
    await write_notes(suite, patron_id, internal="Kort ligger i skranken", patron="Velkommen igen")
    expected = {"librarian": (True, True), "dpo": (False, True)}
    for role, shown in expected.items():
        seen = (await suite.http.get(f"/patrons/{patron_id}", headers=await suite.bearer(role))).json()
        assert (seen["internal_note"] is not None, seen["patron_note"] is not None) == shown
    mine = await suite.http.get("/patrons/me", headers=await suite.patron_bearer(cpr))
    assert mine.json()["patron_note"]["text"] == "Velkommen igen"
    assert "skranken" not in mine.text


async def test_a_note_that_names_a_work_is_kept_with_a_warning(suite):
    patron_id = (await suite.make_patron())["patron_id"]
    answer = await write_notes(suite, patron_id, internal="mangler Harry Potter 3", patron="Sig 750680-1123")
    assert {w["code"] for w in answer["warnings"]} == {"note-names-work", "note-names-number"}
    assert (await write_notes(suite, patron_id, internal="Ring efter kl. 16"))["warnings"] == []


async def test_a_replaced_note_is_gone_and_the_new_one_has_a_clock(suite):
    patron_id = (await suite.make_patron())["patron_id"]
    await write_notes(suite, patron_id, internal="gammel tekst")
    await write_notes(suite, patron_id, internal="ny tekst")
    rows = await suite.runtime.database.fetch("SELECT content, note_id FROM note")
    assert [row["content"] for row in rows] == ["ny tekst"]
    first, second = await suite.events(NoteWritten)
    [old], [new] = first["data"]["clocks"], second["data"]["clocks"]
    assert second["data"]["erased"] == [
        {"record_class": "internal-note", "record_ids": [old["record_id"]], "action": "erase"}
    ]
    assert new["record_id"] == rows[0]["note_id"]
    await write_notes(suite, patron_id, internal=None)
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM note") == 0


async def test_a_note_is_gone_after_ninety_days_to_the_second(suite, dispose, overdue):
    patron_id, bystander = [(await suite.make_patron())["patron_id"] for _ in range(2)]
    expires = (await write_notes(suite, patron_id, internal="a", patron="b"))["expires_at"]
    assert datetime.fromisoformat(expires["internal"]) == suite.clock.now() + timedelta(days=90)
    ids = {r["kind"]: r["note_id"] for r in await suite.runtime.database.fetch("SELECT kind, note_id FROM note")}
    suite.travel(days=1)
    await write_notes(suite, bystander, internal="c")
    suite.travel(days=89, seconds=-1)
    early = await dispose("internal-note", ids["internal"])
    assert [r["reason"] for r in early["refused"]] == ["not-due"]
    assert await overdue("internal-note") == []
    suite.travel(seconds=1)
    headers = await suite.bearer("librarian")
    seen = (await suite.http.get(f"/patrons/{patron_id}", headers=headers)).json()
    assert (seen["internal_note"], seen["patron_note"]) == (None, None)
    [row] = (
        await suite.http.post(
            "/contacts/resolve", json={"patron_ids": [patron_id]}, headers=await suite.bearer("service")
        )
    ).json()
    assert row["patron_note"] is None
    assert await overdue("internal-note") == [ids["internal"]]
    assert (await dispose("internal-note", ids["internal"], ids["patron"], 4711))["erased"] == [ids["internal"]]
    assert (await dispose("internal-note", ids["internal"]))["gone"] == [ids["internal"]]
    assert (await dispose("patron-note", ids["patron"]))["erased"] == [ids["patron"]]
    left = await suite.runtime.database.fetch("SELECT patron_id FROM note")
    assert [row["patron_id"] for row in left] == [bystander]
    assert [e["data"]["erased"][0]["record_class"] for e in await suite.events(PatronDataErased)] == [
        "internal-note",
        "patron-note",
    ]


async def test_what_a_change_holds_is_refused_and_what_another_agency_has_is_untouched(suite, dispose):
    patron_id = (await suite.make_patron())["patron_id"]
    await write_notes(suite, patron_id, internal="a")
    note_id = await suite.runtime.database.fetchval("SELECT note_id FROM note")
    suite.travel(days=91)
    async with suite.runtime.database.transaction() as tx:
        await tx.execute("SELECT FROM patron WHERE patron_id = $1 FOR UPDATE", patron_id)
        assert [r["reason"] for r in (await dispose("internal-note", note_id))["refused"]] == ["locked"]
    assert (await dispose("internal-note", note_id, agency="DK-773000"))["gone"] == [note_id]
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM note") == 1
    assert (await dispose("internal-note", note_id))["erased"] == [note_id]


async def test_an_absence_pauses_and_ends_by_itself(suite, dispose, overdue):
    cpr = suite.cpr()
    patron_id = (await suite.make_patron(cpr=cpr))["patron_id"]
    headers, service = await suite.patron_bearer(cpr), await suite.bearer("service")
    today = local_date(suite.clock.now())
    until = today + timedelta(days=3)
    body = {"from": today.isoformat(), "until": until.isoformat()}
    assert (await suite.http.put("/patrons/me/absence", json=body, headers=headers)).json() == body
    [event] = await suite.events(PatronChanged)
    [clock] = event["data"]["clocks"]
    assert event["data"]["absent_until"] == until.isoformat()
    assert datetime.fromisoformat(clock["anchor"]) == end_of_local_day(until)
    suite.clock.freeze(end_of_local_day(until) - timedelta(seconds=1))
    assert await overdue("absence") == []
    assert (await suite.http.get("/patrons/me", headers=headers)).json()["absence"] == body
    suite.travel(seconds=1)
    assert (await suite.http.get("/patrons/me", headers=headers)).json()["absence"] is None
    snapshot = (await suite.http.get(f"/patrons/{patron_id}/snapshot", headers=service)).json()
    assert snapshot["absent_until"] is None
    assert await overdue("absence") == [clock["record_id"]]
    assert (await dispose("absence", clock["record_id"]))["erased"] == [clock["record_id"]]
    last = (await suite.events(PatronChanged))[-1]["data"]
    assert (last["absent_from"], last["absent_until"], last["version"]) == (None, None, 3)


async def test_an_absence_is_replaced_and_cleared_leaving_nothing(suite, dispose):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    headers = await suite.patron_bearer(cpr)
    for body in ({"from": "2030-01-01"}, {"until": "2031-01-01"}, {}, {}):
        assert (await suite.http.put("/patrons/me/absence", json=body, headers=headers)).status_code == 200
    events = [e["data"] for e in await suite.events(PatronChanged)]
    assert len(events) == 3
    open_one = events[0]["clocks"][0]
    assert open_one["anchor"] is None
    assert events[1]["erased"][0]["record_ids"] == [open_one["record_id"]]
    assert events[2]["erased"][0]["record_ids"] == [events[1]["clocks"][0]["record_id"]]
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM absence") == 0
    await suite.http.put("/patrons/me/absence", json={"from": "2030-01-01"}, headers=headers)
    held = await suite.runtime.database.fetchval("SELECT absence_id FROM absence")
    assert [r["reason"] for r in (await dispose("absence", held))["refused"]] == ["held"]


async def test_a_wrong_absence_is_refused(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    headers = await suite.patron_bearer(cpr)
    for body, name in (
        ({"from": "2031-01-02", "until": "2031-01-01"}, "absence-backwards"),
        ({"until": "2020-01-01"}, "absence-over"),
        ({"until": "2031-02-30"}, "malformed"),
    ):
        answer = await suite.http.put("/patrons/me/absence", json=body, headers=headers)
        assert answer.json()["type"] == f"urn:glem:problem:{name}"


async def test_age_bands_are_passed_at_danish_midnight(suite):
    today = local_date(suite.clock.now())
    turns = today + timedelta(days=2)
    born = date(turns.year - 15, turns.month, turns.day)
    guardian = {"consent_on": "2020-01-01", "name": "Værge", "phone": "20123456"}
    child = await suite.make_patron(cpr=suite.cpr(born.strftime("%d%m%y")), patron_group="child", guardian=guardian)
    await suite.make_patron()
    suite.clock.freeze(end_of_local_day(turns - timedelta(days=1)) - timedelta(seconds=1))
    assert await suite.run("age-bands") == 0
    suite.travel(seconds=1)
    assert await suite.run("age-bands") == 1
    assert await suite.run("age-bands") == 0
    [event] = await suite.events(PatronChanged)
    assert (event["data"]["patron_id"], event["data"]["age_band"]) == (child["patron_id"], 15)
    assert suite.clock.now().tzinfo == UTC
