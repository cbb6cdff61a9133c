"""Registration: everything or nothing, once per agency (R1-R8, R16-R19)."""

import asyncio

from glem_contracts.events import PatronRegistered


async def test_a_registered_patron_can_be_read(suite):
    made = await suite.make_patron(phones=[{"number": "20 12 34 56"}], emails=[{"address": "karen@Example.DK"}])
    assert made["phones"] == [{"number": "+4520123456", "kind": "mobile", "receives": True}]
    assert made["emails"] == [{"address": "karen@example.dk", "receives": True}]
    assert made["resident"]
    assert made["language"] == "da"
    [event] = await suite.events(PatronRegistered)
    assert event["data"]["version"] == 1
    assert event["data"]["age_band"] == 15
    assert event["data"]["patron_id"] == made["patron_id"]


async def test_a_patron_logs_in_with_cpr_number_and_pin(suite):
    cpr = suite.cpr()
    made = await suite.make_patron(cpr=cpr)
    for written in (cpr, f"{cpr[:6]}-{cpr[6:]}"):
        me = await suite.http.get("/patrons/me", headers=await suite.patron_bearer(written))
        assert me.json()["patron_id"] == made["patron_id"]


async def test_parallel_registrations_make_one_patron(suite):
    body = suite.make_registration()
    headers = await suite.bearer("librarian")
    answers = await asyncio.gather(*(suite.http.post("/patrons", json=body, headers=headers) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert await suite.runtime.database.fetchval("SELECT count(*) FROM patron") == 1
    assert len(await suite.events(PatronRegistered)) == 1
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert refused["type"] == "urn:glem:problem:already-registered"
