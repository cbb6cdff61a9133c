"""Who changes what of a patron, and that old values are gone (R4-R13, R16-R19, R25)."""

import pytest

from glem_contracts.events import ConsentGiven, ConsentWithdrawn, ContactChanged, PatronChanged


def problem_of(answer):
    return answer.json()["type"].rpartition(":")[2]


@pytest.fixture
def make_pair(suite):
    """Make a patron and return its number with the patron's and a librarian's headers."""

    async def make(agency="DK-725900", **changes):
        cpr = suite.cpr()
        made = await suite.make_patron(agency, cpr=cpr, **changes)
        return (
            made["patron_id"],
            await suite.patron_bearer(cpr, agency, changes.get("pin", "2468")),
            await suite.bearer("librarian", agency),
        )

    return make


async def everything(suite):
    """Return the text of every row of every table, and of every event."""
    tables = await suite.runtime.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [str(await suite.runtime.database.fetch(f"SELECT * FROM {t[0]}")) for t in tables]
    return "\n".join(rows)


async def test_an_old_phone_and_address_are_gone_from_every_table(suite, make_pair):
    patron_id, patron, _ = await make_pair(
        phones=[{"number": "20111111"}], emails=[{"address": "gammel@koege.example"}]
    )
    bystander = await suite.make_patron(phones=[{"number": "20999999"}])
    change = {"phones": [{"number": "20222222"}], "emails": [{"address": "ny@koege.example"}]}
    answer = await suite.http.put("/patrons/me/contacts", json=change, headers=patron)
    assert answer.json()["phones"] == [{"number": "+4520222222", "kind": "mobile", "receives": True}]
    text = await everything(suite)
    assert "20111111" not in text
    assert "gammel" not in text
    assert text.count("20222222") == text.count("20999999") == 1
    [event] = await suite.events(ContactChanged)
    assert event["data"]["erased"][0]["record_class"] == "contact"
    assert len(event["data"]["erased"][0]["record_ids"]) == 2
    assert str(event["data"]).count("2022") == 0
    assert event["subject"] == str(patron_id)
    assert bystander["phones"][0]["number"] == "+4520999999"


async def test_the_same_contacts_again_change_nothing(suite, make_pair):
    _, patron, _ = await make_pair(phones=[{"number": "20111111"}])
    for _ in range(2):
        await suite.http.put("/patrons/me/contacts", json={"phones": [{"number": "20 11 11 11"}]}, headers=patron)
    assert await suite.events(ContactChanged) == []


async def test_the_receiver_can_be_moved_between_two_mobiles(suite, make_pair):
    _, patron, _ = await make_pair(phones=[{"number": "20111111", "receives": True}, {"number": "20222222"}])
    change = {"phones": [{"number": "20111111"}, {"number": "20222222", "receives": True}]}
    answer = await suite.http.put("/patrons/me/contacts", json=change, headers=patron)
    assert {p["number"]: p["receives"] for p in answer.json()["phones"]} == {"+4520111111": False, "+4520222222": True}
    for wrong in ([True, True], [False, False]):
        phones = [{"number": n, "receives": r} for n, r in zip(("20111111", "20222222"), wrong, strict=True)]
        refused = await suite.http.put("/patrons/me/contacts", json={"phones": phones}, headers=patron)
        assert problem_of(refused) == "one-receiver"


async def test_a_landline_is_the_staffs_to_change(suite, make_pair):
    patron_id, patron, librarian = await make_pair()
    landline = {"phones": [{"number": "56661111", "kind": "landline"}]}
    refused = await suite.http.put("/patrons/me/contacts", json=landline, headers=patron)
    assert problem_of(refused) == "landline-by-staff"
    await suite.http.put(f"/patrons/{patron_id}/contacts", json=landline, headers=librarian)
    answer = await suite.http.put("/patrons/me/contacts", json={"phones": [{"number": "20111111"}]}, headers=patron)
    assert len(answer.json()["phones"]) == 2


FIELDS = {
    "home_branch": ("DK-725901", {"patron"}),
    "language": ("da", {"patron", "librarian"}),
    "patron_group": ("homebound", {"librarian"}),
    "municipality": ("0101", {"librarian"}),
    "co_address": ({"co_name": "Vært", "street": "Bakken 2", "postal_code": "4600", "city": "Køge"}, {"librarian"}),
    "name": ("En Anden", set()),
    "cpr": ("7506801999", set()),
    "birth_date": ("1990-01-01", set()),
    "address": ({"street": "x", "postal_code": "4600", "city": "Køge"}, set()),
    "protected": (True, set()),
    "patron_id": (1, set()),
}


@pytest.mark.parametrize("field", FIELDS)
async def test_each_field_is_changed_by_whom_the_row_says(suite, make_pair, field):
    value, by = FIELDS[field]
    patron_id, patron, librarian = await make_pair()
    for role, headers in (("patron", patron), ("librarian", librarian)):
        answer = await suite.http.patch(f"/patrons/{patron_id}", json={field: value}, headers=headers)
        assert answer.status_code == (200 if role in by else 403), (role, answer.text)
        if role not in by:
            assert problem_of(answer) == "field-not-yours"


async def test_lending_is_told_of_group_and_branch(suite, make_pair):
    patron_id, patron, librarian = await make_pair()
    await suite.http.patch("/patrons/me", json={"home_branch": "DK-725901"}, headers=patron)
    await suite.http.patch(f"/patrons/{patron_id}", json={"patron_group": "homebound"}, headers=librarian)
    await suite.http.patch(f"/patrons/{patron_id}", json={"patron_group": "homebound"}, headers=librarian)
    first, second = await suite.events(PatronChanged)
    assert (first["data"]["version"], first["data"]["home_branch"]) == (2, "DK-725901")
    assert (second["data"]["version"], second["data"]["patron_group"]) == (3, "homebound")


async def test_nobody_else_reads_or_changes_a_patron(suite, make_pair):
    other, _, _ = await make_pair()
    _, patron, _ = await make_pair()
    for method, tail, body in (
        ("GET", "", None), ("PATCH", "", {"home_branch": "DK-725901"}), ("PUT", "/contacts", {"phones": []}),
        ("PUT", "/absence", {}), ("PUT", "/pin", {"pin": "1111"}), ("PUT", "/permissions", {"sms": True}),
    ):  # fmt: skip
        answer = await suite.http.request(method, f"/patrons/{other}{tail}", json=body, headers=patron)
        assert problem_of(answer) == "missing-scope", (method, tail)


async def test_permission_is_asked_for_at_koege_and_assumed_at_randers(suite, make_pair):
    service = await suite.bearer("service")
    found = {}
    for agency in ("DK-725900", "DK-773000"):
        patron_id, patron, _ = await make_pair(
            agency, phones=[{"number": "20111111"}], emails=[{"address": "a@b.example"}]
        )
        steps = [None, {"sms": True}, {"sms": False, "email": False}]
        for wanted in steps:
            if wanted:
                await suite.http.put("/patrons/me/permissions", json=wanted, headers=patron)
            [row] = (
                await suite.http.post("/contacts/resolve", json={"patron_ids": [patron_id]}, headers=service)
            ).json()
            found.setdefault(agency, []).append((row["sms"] is not None, row["email"] is not None))
    assert found == {
        "DK-725900": [(False, False), (True, False), (False, False)],
        "DK-773000": [(True, True), (True, True), (False, False)],
    }


async def test_a_permission_is_proved_by_who_when_and_which_wording(suite, make_pair):
    patron_id, patron, librarian = await make_pair()
    for wish in (True, True, False):
        await suite.http.put("/patrons/me/permissions", json={"sms": wish}, headers=patron)
        suite.travel(hours=1)
    [row] = await suite.runtime.database.fetch("SELECT * FROM consent")
    assert row["given_by"] == row["withdrawn_by"] == str(patron_id)
    assert (row["purpose"], row["wording"]) == ("sms", "1")
    assert (row["withdrawn_at"] - row["given_at"]).total_seconds() == 7200
    assert [e["data"]["purpose"] for e in await suite.events(ConsentGiven)] == ["sms"]
    assert [e["data"]["purpose"] for e in await suite.events(ConsentWithdrawn)] == ["sms"]
    by_staff = await suite.http.put(f"/patrons/{patron_id}/permissions", json={"sms": True}, headers=librarian)
    assert problem_of(by_staff) == "missing-scope"


async def test_the_pin_is_shown_to_nobody(suite, make_pair):
    patron_id, patron, librarian = await make_pair(pin="97531")
    for headers in (patron, librarian, await suite.admin()):
        answer = await suite.http.get(f"/patrons/{patron_id}", headers=headers)
        assert "97531" not in answer.text
        assert "argon2" not in answer.text
        assert "pin" not in answer.json()
    assert "97531" not in await everything(suite)


async def test_a_move_replaces_the_address(suite, make_pair):
    patron_id, _, librarian = await make_pair()
    moved = {"address": {"street": "Nygade 7", "postal_code": "4000", "city": "Roskilde"}, "municipality": "0265"}
    answer = await suite.http.post(
        f"/patrons/{patron_id}/cpr-update", json={**moved, "automatic": True}, headers=librarian
    )
    assert answer.json()["address"]["street"] == "Nygade 7"
    assert not answer.json()["resident"]
    assert "Torvet 1" not in await everything(suite)
    [event] = await suite.events(ContactChanged)
    assert len(event["data"]["erased"][0]["record_ids"]) == 1


async def test_struer_fetches_the_address_only_when_asked_but_protection_follows_by_law(suite, make_pair):
    patron_id, _, librarian = await make_pair("DK-767100")
    url = f"/patrons/{patron_id}/cpr-update"
    moved = {"address": {"street": "Nygade 7", "postal_code": "4000", "city": "Roskilde"}}
    fed = await suite.http.post(url, json={**moved, "automatic": True}, headers=librarian)
    assert (fed.status_code, problem_of(fed)) == (409, "address-fetched-only")
    assert (await suite.http.post(url, json=moved, headers=librarian)).status_code == 200
    protected = await suite.http.post(url, json={"protected": True, "automatic": True}, headers=librarian)
    assert (protected.json()["protected"], protected.json()["name"]) == (True, None)


async def test_h43_a_replacement_number_becomes_a_real_one_once(suite, make_pair):
    taken = suite.cpr()
    await suite.make_patron(cpr=taken)
    patron_id, _, librarian = await make_pair()
    [old] = [
        r["cpr"] for r in await suite.runtime.database.fetch("SELECT cpr FROM patron WHERE patron_id = $1", patron_id)
    ]
    url, new = f"/patrons/{patron_id}/cpr-update", suite.cpr("010590")
    refused = await suite.http.post(url, json={"cpr": taken}, headers=librarian)
    assert problem_of(refused) == "already-registered"
    assert (await suite.http.post(url, json={"cpr": new}, headers=librarian)).json()["birth_date"] == "1990-05-01"
    assert old not in await everything(suite)
    assert (await suite.log_in(old, "2468")).status_code == 400
    assert (await suite.log_in(new, "2468")).status_code == 200


async def test_h45_a_protected_name_is_shown_only_to_the_patron_and_the_authorised(suite, make_pair):
    patron_id, patron, librarian = await make_pair(protected=True, name="Frida Skjult")
    service = await suite.bearer("service")
    shown = [
        (await suite.http.get(f"/patrons/{patron_id}", headers=headers)).json()
        for headers in (patron, await suite.admin(), librarian, await suite.bearer("dpo"))
    ]
    assert [(s["name"], s["address"] is not None) for s in shown] == [("Frida Skjult", True)] * 2 + [(None, False)] * 2
    assert all(s["protected"] for s in shown)
    [row] = (await suite.http.post("/contacts/resolve", json={"patron_ids": [patron_id]}, headers=service)).json()
    assert (row["name"], row["protected"]) == (None, True)
    for headers, count in ((librarian, 0), (await suite.admin(), 1)):
        found = await suite.http.post("/patrons/search", json={"name": "frida"}, headers=headers)
        assert len(found.json()) == count
    assert (await suite.http.post("/patrons/search", json={"name": "%"}, headers=librarian)).status_code == 422
    assert (await suite.http.post("/patrons/search", json={"name": "%%"}, headers=librarian)).json() == []


async def test_a_stolen_card_stops_at_once_and_its_number_goes(suite, make_pair):
    cards = [{"kind": "library", "number": "270011223344"}, {"kind": "health"}]
    patron_id, _, librarian = await make_pair(cards=cards)
    automat = await suite.bearer("automat")
    shown = (await suite.http.get(f"/patrons/{patron_id}", headers=librarian)).json()
    card_id = next(c["card_id"] for c in shown["cards"] if c["kind"] == "library")

    async def identify(card, pin=None):
        body = {"card": card, "pin": pin}
        return await suite.http.post("/patrons/identify", json=body, headers=automat)

    assert (await identify("270011223344")).json() == {"patron_id": patron_id, "language": "da"}
    assert problem_of(await identify("270011223344", "0000")) == "login-refused"
    url = f"/patrons/{patron_id}/cards/{card_id}?because=stolen"
    assert (await suite.http.delete(url, headers=librarian)).status_code == 204
    assert problem_of(await identify("270011223344")) == "unknown-card"
    assert (await suite.log_in("270011223344", "2468")).status_code == 400
    assert "270011223344" not in await everything(suite)
    snapshot = await suite.http.get(f"/patrons/{patron_id}/snapshot", headers=await suite.bearer("service"))
    assert snapshot.json()["blocks"] == ["O"]


async def test_without_a_health_card_the_cpr_number_opens_nothing(suite):
    cpr = suite.cpr()
    await suite.make_patron(cpr=cpr, cards=[{"kind": "library", "number": "270011223355"}])
    assert (await suite.log_in(cpr, "2468")).status_code == 400
    assert (await suite.log_in("270011223355", "2468")).status_code == 200
    taken = await suite.register(cards=[{"kind": "library", "number": "270011223355"}])
    assert problem_of(taken) == "card-taken"
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM patron") == 1
