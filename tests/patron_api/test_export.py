"""See my data: complete, built when it is taken, limited, and logged when staff takes it (R84, R106)."""

import re
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from glem_contracts.events import PatronDataErased, PatronDataKept
from patron_api.base import metadata
from patron_api.export.rules import AS_GUARDIAN, EVERYTHING
from tests.house.planting import plant, written

KOEGE, AALBORG, STRUER = "DK-725900", "DK-785100", "DK-767100"
LENT = [{"name": "loan", "fields": {"due_on": "overview"}, "rows": [{"due_on": "2026-10-01", "title": "<b>Sult</b>"}]}]


@pytest.fixture
def peers(suite, monkeypatch):
    """What loan-api and notifier answer, by service; a number is a status."""
    answers = {"loan-api": LENT, "notifier": []}

    def handler(service):
        def handle(_: httpx.Request) -> httpx.Response:
            answer = answers[service]
            return httpx.Response(answer) if isinstance(answer, int) else httpx.Response(200, json=answer)

        return handle

    for service in answers:
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler(service)), base_url=f"http://{service}")
        monkeypatch.setitem(suite.runtime.clients._clients, service, client)
    return answers


async def ask(suite, patron, headers, **body):
    return await suite.http.post(f"/patrons/{patron}/export", json=body, headers=headers)


async def take(suite, patron, export_id, headers, kind="json"):
    return await suite.http.get(f"/patrons/{patron}/exports/{export_id}", params={"kind": kind}, headers=headers)


async def own_export(suite, cpr, kind="json"):
    own = await suite.patron_bearer(cpr)
    asked = (await ask(suite, "me", own)).json()
    return await take(suite, "me", asked["export_id"], own, kind)


def rows(answer, name):
    return [row for section in answer.json()["sections"] if section["name"] == name for row in section["rows"]]


async def test_every_planted_value_of_a_personal_column_is_in_the_export(suite, peers, database_url):
    cpr = suite.cpr()
    patron = (await suite.make_patron(cpr=cpr))["patron_id"]
    own = await suite.patron_bearer(cpr)
    database, connection = suite.runtime.database, await asyncpg.connect(database_url)
    known = {"patron_id": patron, "agency": KOEGE, "subject": patron, "is_patron": True}
    made = {"patron": dict(await database.fetchrow("SELECT * FROM patron WHERE patron_id = $1", patron))}
    made["guardian-of"] = await plant(
        connection,
        metadata.tables["guardian"],
        patron_id=(await suite.make_patron())["patron_id"],
        agency=KOEGE,
        as_patron_id=patron,
    )
    for holding in EVERYTHING:
        if holding.name not in {"patron", AS_GUARDIAN.name}:
            kind = {"internal-note": "internal", "patron-note": "patron"}.get(holding.name, "planted")
            made[holding.name] = await plant(connection, holding.table, **known, kind=kind)
    await connection.close()
    asked = (await ask(suite, "me", own)).json()
    answer = await take(suite, "me", asked["export_id"], own)
    missing = [
        f"{holding.name}.{name}"
        for holding in EVERYTHING
        for name in holding.fields
        for value in [made[holding.name][name]]
        if value is not None
        and not any(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", answer.text) for text in written(value))
    ]
    assert not missing, f"not in the export: {missing}"
    secret = [made[holding.name][name] for holding in EVERYTHING for name in holding.left_out]
    assert made["guardian"]["cpr"] in secret
    assert not [text for value in secret if isinstance(value, str) for text in [value] if text in answer.text]


async def test_h53_the_internal_note_is_in_it_with_names_and_purposes(suite, peers):
    cpr = suite.cpr()
    patron = (await suite.make_patron(cpr=cpr))["patron_id"]
    note = {"internal": "Aftale om bøder"}
    await suite.http.put(f"/patrons/{patron}/notes", json=note, headers=await suite.bearer("librarian"))
    answer = await own_export(suite, cpr)
    [row] = rows(answer, "internal-note")
    assert row["content"] == "Aftale om bøder"
    [section] = [section for section in answer.json()["sections"] if section["name"] == "internal-note"]
    [field] = [field for field in section["fields"] if field["name"] == "content"]
    assert (section["title"], field["label"]) == ("Intern note", "Indhold")
    assert field["purpose"].startswith("huske, hvad der er aftalt")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_page_is_in_the_patrons_language_and_runs_nothing(suite, peers):
    danish, english = suite.cpr(), suite.cpr()
    await suite.make_patron(cpr=danish)
    await suite.make_patron(AALBORG, cpr=english, language="en")
    page = await own_export(suite, danish, "html")
    assert "<h1>Dine data hos KøgeBibliotekerne</h1>" in page.text
    assert "&lt;b&gt;Sult&lt;/b&gt;" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    own = await suite.patron_bearer(english, AALBORG)
    asked = (await ask(suite, "me", own)).json()
    other = await take(suite, "me", asked["export_id"], own, "html")
    assert '<html lang="en">' in other.text
    assert "Birth date" in other.text


async def test_h51_nothing_that_has_fallen_due_since_it_was_asked_for(suite, peers):
    cpr = suite.cpr()
    patron = (await suite.make_patron(cpr=cpr))["patron_id"]
    note = {"internal": "Glemt kort"}
    await suite.http.put(f"/patrons/{patron}/notes", json=note, headers=await suite.bearer("librarian"))
    suite.travel(days=89)
    own = await suite.patron_bearer(cpr)
    asked = (await ask(suite, "me", own)).json()
    assert "Glemt kort" in (await take(suite, "me", asked["export_id"], own)).text
    suite.travel(days=1)
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM note WHERE patron_id = $1", patron) == 1
    assert "Glemt kort" not in (await take(suite, "me", asked["export_id"], own)).text


async def test_the_leave_ends_after_a_week_and_nothing_of_it_stays(suite, peers, dispose, overdue):
    cpr = suite.cpr()
    patron = (await suite.make_patron(cpr=cpr))["patron_id"]
    own = await suite.patron_bearer(cpr)
    asked = (await ask(suite, patron, own)).json()
    assert datetime.fromisoformat(asked["expires_at"]) == suite.clock.now() + timedelta(days=7)
    [event] = await suite.events(PatronDataKept)
    [clock] = event["data"]["clocks"]
    assert (clock["record_class"], clock["record_id"], clock["version"]) == ("export-request", asked["export_id"], 1)
    suite.travel(days=7, seconds=-1)
    assert [refused["reason"] for refused in (await dispose("export-request", asked["export_id"]))["refused"]] == [
        "not-due"
    ]
    suite.travel(seconds=1)
    assert (await take(suite, patron, asked["export_id"], own)).json()["type"].endswith("no-export")
    assert rows(await own_export(suite, cpr), "export_request")[0]["asked_at"] != clock["anchor"]
    assert await overdue("export-request") == [asked["export_id"]]
    assert (await dispose("export-request", asked["export_id"]))["erased"] == [asked["export_id"]]
    [event] = await suite.events(PatronDataErased)
    assert event["data"]["erased"][0]["record_ids"] == [asked["export_id"]]
    ids = await suite.runtime.database.fetch("SELECT export_id FROM export_request")
    assert asked["export_id"] not in {row["export_id"] for row in ids}


async def test_one_can_ask_and_take_only_so_often(suite, peers):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    own = await suite.patron_bearer(cpr)
    asked = [await ask(suite, "me", own) for _ in range(6)]
    assert [answer.status_code for answer in asked] == [201] * 5 + [429]
    taken = [(await take(suite, "me", asked[0].json()["export_id"], own)).status_code for _ in range(11)]
    assert taken == [200] * 10 + [429]


async def test_an_export_that_lacks_a_part_is_not_given(suite, peers):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr)
    peers["notifier"] = 503
    answer = await own_export(suite, cpr)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:glem:problem:unavailable")


async def test_r84_staff_says_why_and_it_is_logged_until_its_period_has_passed(suite, peers, dispose, overdue):
    cpr = suite.cpr()
    patron, staff = (await suite.make_patron(cpr=cpr))["patron_id"], await suite.bearer("librarian")
    assert (await ask(suite, patron, staff)).json()["type"].endswith("reason-missing")
    asked = (await ask(suite, patron, staff, reason="Låneren spørger i skranken")).json()
    for _ in range(2):
        assert (await take(suite, patron, asked["export_id"], staff)).status_code == 200
    others = await suite.bearer("dpo")
    assert (await take(suite, patron, asked["export_id"], others)).json()["type"].endswith("no-export")
    log = await suite.runtime.database.fetch("SELECT * FROM access_log")
    assert [line["reason"] for line in log] == ["Låneren spørger i skranken"] * 2
    assert all(line["staff"].startswith("staff-") and line["at"].tzinfo is UTC for line in log)
    assert len(rows(await own_export(suite, cpr), "access_log")) == 2
    told = [event["data"]["clocks"] for event in await suite.events(PatronDataKept)]
    ids = [clock["record_id"] for clocks in told for clock in clocks if clock["record_class"] == "access-log"]
    assert sorted(ids) == sorted(line["entry_id"] for line in log)
    suite.travel(days=365)
    assert rows(await own_export(suite, cpr), "access_log") == []
    assert sorted(await overdue("access-log")) == sorted(ids)
    assert sorted((await dispose("access-log", *ids))["erased"]) == sorted(ids)
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM access_log") == 0


async def test_a_protected_patron_is_taken_out_by_the_specially_trusted_only(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    update = {"protected": True}
    await suite.http.post(f"/patrons/{patron}/cpr-update", json=update, headers=await suite.bearer("librarian"))
    for role, status in (("librarian", 403), ("administrator", 201), ("dpo", 201)):
        assert (await ask(suite, patron, await suite.bearer(role), reason="Anmodning")).status_code == status, role


async def test_an_export_of_another_library_or_patron_is_not_given(suite, peers):
    cpr = suite.cpr()
    patron, other = (await suite.make_patron())["patron_id"], (await suite.make_patron(cpr=cpr))["patron_id"]
    elsewhere = await suite.bearer("librarian", STRUER)
    assert (await ask(suite, patron, elsewhere, reason="Nysgerrig")).json()["type"].endswith("wrong-agency")
    own = await suite.patron_bearer(cpr)
    assert (await ask(suite, patron, own)).json()["type"].endswith("missing-scope")
    asked = (await ask(suite, other, own)).json()
    staff = await suite.bearer("librarian")
    assert (await take(suite, patron, asked["export_id"], staff)).json()["type"].endswith("no-export")
