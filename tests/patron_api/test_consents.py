"""Consent in writing that works are remembered: for homebound patrons of a library with the scheme (R43, R44)."""

import pytest

from glem_contracts.events import ConsentGiven, ConsentWithdrawn
from patron_api.agency import HomeboundRules

KOEGE, STRUER = "DK-725900", "DK-767100"
PATH = "/patrons/{}/homebound-consent"


async def make_homebound(suite, **changes):
    return (await suite.make_patron(patron_group="homebound", **changes))["patron_id"]


async def consent(suite, patron, agency=KOEGE, **body):
    body = {"signed_on": "2026-08-31", **body}
    return await suite.http.put(PATH.format(patron), json=body, headers=await suite.bearer("librarian", agency))


async def state(suite, patron):
    return (await suite.http.get(PATH.format(patron), headers=await suite.bearer("librarian"))).json()


async def told(suite):
    events = [*await suite.events(ConsentGiven), *await suite.events(ConsentWithdrawn)]
    return [event["data"] for event in events if event["data"]["purpose"] == "homebound-history"]


async def test_a_signed_consent_is_kept_as_proof_and_told_with_a_version(suite):
    patron = await make_homebound(suite)
    given = (await consent(suite, patron)).json()
    assert (given["in_force"], given["signed_on"], given["signed_by"]) == (True, "2026-08-31", "patron")
    assert given["wording"] == "1"
    again = await consent(suite, patron, signed_on="2026-09-01")
    assert again.json()["signed_on"] == "2026-08-31"
    [event] = await told(suite)
    assert (event["patron_id"], event["version"] > 0) == (patron, True)


async def test_h30_the_patron_withdraws_and_the_proof_stays(suite):
    cpr = suite.cpr()
    patron = await make_homebound(suite, cpr=cpr)
    own = await suite.patron_bearer(cpr)
    assert (await suite.http.put(PATH.format("me"), json={"signed_on": "2026-09-01"}, headers=own)).status_code == 200
    for _ in range(2):
        assert (await suite.http.delete(PATH.format("me"), headers=own)).status_code == 204
    shown = await state(suite, patron)
    assert shown["in_force"] is False
    assert shown["withdrawn_at"] is not None
    given, withdrawn = await told(suite)
    assert withdrawn["version"] > given["version"]


@pytest.mark.parametrize(
    ("agency", "group", "body", "problem"),
    [
        (KOEGE, "adult", {}, "not-homebound"),
        (STRUER, "homebound", {}, "no-homebound-scheme"),
        (KOEGE, "homebound", {"signed_on": "2126-01-01"}, "signed-in-future"),
        (KOEGE, "homebound", {"signed_by": "guardian"}, "wrong-signer"),
    ],
)
async def test_who_may_consent(suite, agency, group, body, problem):
    patron = (await suite.make_patron(agency, patron_group=group))["patron_id"]
    refused = await consent(suite, patron, agency, **body)
    assert refused.json()["type"].endswith(problem), refused.text
    assert await told(suite) == []


async def test_h34_who_leaves_the_group_ends_the_consent(suite):
    patron, other = await make_homebound(suite), await make_homebound(suite)
    for one in (patron, other):
        await consent(suite, one)
    change = {"patron_group": "adult"}
    await suite.http.patch(f"/patrons/{patron}", json=change, headers=await suite.bearer("librarian"))
    assert (await state(suite, patron))["in_force"] is False
    assert (await state(suite, other))["in_force"] is True
    assert [event["data"]["patron_id"] for event in await suite.events(ConsentWithdrawn)] == [patron]


async def test_h33_a_library_that_ends_its_scheme_ends_every_consent(suite):
    patron = await make_homebound(suite)
    await consent(suite, patron)
    assert await suite.run("consents") == 0
    api = suite.app.state.patron_api
    api.rules[KOEGE] = api.rules[KOEGE].model_copy(update={"homebound": HomeboundRules(enabled=False)})
    assert await suite.run("consents") == 1
    assert await suite.run("consents") == 0
    assert (await state(suite, patron))["in_force"] is False


async def test_h35_a_guardians_consent_ends_on_the_18th_birthday(suite):
    now = suite.clock.now()
    born = f"{now.day:02}{now.month:02}{(now.year - 17) % 100:02}" if (now.month, now.day) != (2, 29) else "010309"
    guardian = {"consent_on": "2026-08-31", "name": "Værge", "phone": "20123456"}
    child = await make_homebound(suite, cpr=suite.cpr(born), guardian=guardian)
    grown = await make_homebound(suite)
    assert (await consent(suite, child)).json()["type"].endswith("wrong-signer")
    assert (await consent(suite, child, signed_by="guardian")).status_code == 200
    await consent(suite, grown)
    suite.travel(days=363)
    assert await suite.run("consents") == 0
    suite.travel(days=4)
    assert await suite.run("consents") == 1
    assert (await state(suite, child))["in_force"] is False
    assert (await state(suite, grown))["in_force"] is True


async def test_a_permission_for_messages_is_not_touched(suite):
    patron = (await suite.make_patron(patron_group="homebound", permissions={"sms": True}))["patron_id"]
    await consent(suite, patron)
    await suite.http.delete(PATH.format(patron), headers=await suite.bearer("librarian"))
    whole = (await suite.http.get(f"/patrons/{patron}", headers=await suite.bearer("librarian"))).json()
    assert whole["permissions"] == {"sms": True, "email": False}
