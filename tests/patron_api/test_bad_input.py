"""Bad input: each refusal by its own name, in two languages, changing nothing and echoing nothing."""

import json

import pytest

from glem_contracts.events import PatronRegistered

MARK = "7x7x7x7"
JSON = {"content-type": "application/json"}
BAD = [
    ({"cpr": f"abc{MARK}"}, "malformed-cpr"),
    ({"cpr": 7506801123}, "malformed"),
    ({"phones": [{"number": MARK}]}, "malformed-phone"),
    ({"emails": [{"address": MARK}]}, "malformed-email"),
    ({"phones": [{"number": "20111111"}, {"number": "20222222"}]}, "one-receiver"),
    ({"patron_group": MARK}, "unknown-patron-group"),
    ({"home_branch": MARK}, "unknown-branch"),
    ({"language": "en"}, "language-not-offered"),
    ({"pin": MARK}, "malformed-pin"),
    ({"pin": "123"}, "malformed-pin"),
    ({"pin": "١٢٣٤"}, "malformed-pin"),
    ({"municipality": "259"}, "malformed"),
    ({"name": ""}, "malformed"),
    ({"name": "a\x00b"}, "malformed"),
    ({"name": "a\ud800b"}, "malformed"),
    ({"surprise": MARK}, "malformed"),
    ({"cards": [{"kind": "library"}]}, "malformed-card"),
    ({"cards": [{"kind": "library", "number": "7506801123"}]}, "malformed-card"),
    ({"cards": [{"kind": "health", "number": "270011223344"}]}, "malformed-card"),
    ({"cards": [{"kind": "child", "number": "270011223344"}]}, "child-card-for-children"),
    ({"guardian": {"consent_on": "2026-08-01", "name": "Voksen"}}, "guardian-not-needed"),
]


@pytest.mark.parametrize(("changes", "name"), BAD)
async def test_a_registration_is_refused_by_name(suite, changes, name):
    headers = {**await suite.bearer("librarian"), "content-type": "application/json"}
    sentences = set()
    for language in ("da", "en"):
        body = suite.make_registration(**changes)
        content = json.dumps(body)
        answer = await suite.http.post("/patrons", content=content, headers={**headers, "accept-language": language})
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == f"urn:glem:problem:{name}"
        assert MARK not in answer.text
        assert "750680" not in answer.text
        sentences.add(answer.json()["detail"])
    assert len(sentences) == 2
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM patron") == 0
    assert await suite.events(PatronRegistered) == []


async def test_what_is_no_json_says_so(suite):
    headers = {**await suite.bearer("librarian"), "content-type": "application/json"}
    answer = await suite.http.post("/patrons", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:glem:problem:not-json")


@pytest.mark.parametrize("patron_id", ["0", "-1", "9007199254740992", "99999999999999999999", "me", "x", "1.5", "٣"])
async def test_what_is_no_patron_number_is_unknown(suite, patron_id):
    answer = await suite.http.get(f"/patrons/{patron_id}", headers=await suite.bearer("librarian"))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:glem:problem:unknown-patron")


async def test_an_unusual_cpr_number_is_accepted_with_a_warning(suite):
    answers = [await suite.make_patron() for _ in range(12)]
    codes = {tuple(w["code"] for w in a["warnings"]) for a in answers}
    assert codes == {(), ("cpr-modulus-11",)}


async def test_the_same_person_is_registered_once_at_each_agency(suite):
    cpr = suite.cpr()
    first = await suite.make_patron(cpr=cpr)
    second = await suite.make_patron("DK-773000", cpr=cpr)
    assert first["patron_id"] != second["patron_id"]
    again = await suite.register(cpr=f"{cpr[:6]}-{cpr[6:]}")
    assert (again.status_code, again.json()["patron_id"]) == (409, first["patron_id"])
    assert again.json()["type"] == "urn:glem:problem:already-registered"


@pytest.mark.parametrize("card", ["\x00", "\ud800", "", "x" * 10_000, "'; DROP TABLE patron; --", "9" * 400])
async def test_whatever_is_scanned_is_an_unknown_card(suite, card):
    automat, librarian = await suite.bearer("automat"), await suite.bearer("librarian")
    for url, headers, body in (
        ("/patrons/identify", automat, {"card": card}),
        ("/patrons/identify", automat, {"card": card, "pin": card}),
        ("/patrons/search", librarian, {"card": card}),
    ):
        answer = await suite.http.post(url, content=json.dumps(body), headers=headers | JSON)
        assert answer.status_code < 500, answer.text
        assert not card or len(card) < 3 or card not in answer.text
    made = await suite.make_patron(cards=[{"kind": "library", "number": "270011223377"}])
    body = json.dumps({"card": "270011223377", "pin": card})
    answer = await suite.http.post(
        "/patrons/identify", content=body, headers={**automat, "content-type": "application/json"}
    )
    assert answer.json()["type"] == "urn:glem:problem:login-refused"
    assert made["patron_id"]
