"""Erase me: asked for, refused or carried out, watched until nothing remains (R32)."""

import asyncio

import httpx
import pytest

from glem.clients import PeerAwayError
from glem_contracts.events import DebtRaised, DebtSettled, LoanReturned, PatronDataErased, PatronDataKept, PatronErased

KOEGE, STRUER = "DK-725900", "DK-767100"
OPEN = {
    "closed": False,
    "loans": [{"loan_id": 7, "due_on": "2026-09-20", "title": "Sult"}],
    "debts": [{"debt_id": 8, "kind": "fee", "balance": 500, "titles": ["Pan"]}],
    "held": [],
}


class Peers:
    """loan-api and notifier by their contracts."""

    def __init__(self):
        self.closing = {"closed": True, "loans": [], "debts": [], "held": []}
        self.left = {"loan-api": 0, "notifier": 0}
        self.forgotten = True
        self.away = False
        self.misled = False
        self.closings = 0

    def answer(self, service):
        async def handle(request: httpx.Request) -> httpx.Response:
            if self.away:
                return httpx.Response(503)
            if request.url.path.endswith("/remains"):
                left = self.left[service]
                return httpx.Response(200, json={"forgotten": self.forgotten, "records": {"rows": left}})
            if self.misled:
                return httpx.Response(404, text="no such page")
            self.closings += request.method == "POST"
            await asyncio.sleep(0)
            return httpx.Response(200, json=self.closing)

        return handle


@pytest.fixture
def peers(suite, monkeypatch):
    made = Peers()
    for service in made.left:
        client = httpx.AsyncClient(transport=httpx.MockTransport(made.answer(service)), base_url=f"http://{service}")
        monkeypatch.setitem(suite.runtime.clients._clients, service, client)
    return made


async def ask(suite, patron, role="librarian", **body):
    return await suite.http.post(f"/patrons/{patron}/erasure", json=body, headers=await suite.bearer(role))


async def clocks_told(suite, request_id):
    """The clocks of a request, as they were told."""
    events = await suite.events(PatronDataKept)
    clocks = [clock for event in events for clock in event["data"]["clocks"]]
    return [clock for clock in clocks if clock["record_id"] == request_id]


async def go_on(suite):
    await suite.runtime.database.execute("UPDATE erasure_request SET next_try_at = now()")
    return await suite.run("erasures")


async def make_whole(suite, cpr):
    """A patron with something in every table."""
    made = await suite.make_patron(
        cpr=cpr,
        phones=[{"number": "20123456", "receives": True}],
        emails=[{"address": "k@example.dk", "receives": True}],
        permissions={"sms": True, "email": True},
    )
    patron, staff = made["patron_id"], await suite.bearer("librarian")
    for path, body in (
        ("notes", {"internal": "Kort fundet", "patron": "Hej"}),
        ("absence", {"from": "2026-09-01", "until": "2027-01-01"}),
    ):
        answer = await suite.http.put(f"/patrons/{patron}/{path}", json=body, headers=staff)
        assert answer.status_code < 300, answer.text
    block = {"code": "U", "reason": "Udelukket"}
    assert (await suite.http.post(f"/patrons/{patron}/blocks", json=block, headers=staff)).status_code < 300
    return patron


async def test_h38_everything_goes_at_once_with_a_line_for_each(suite, peers):
    cpr = suite.cpr()
    patron, bystander = await make_whole(suite, cpr), (await suite.make_patron())["patron_id"]
    own = await suite.patron_bearer(cpr)
    answer = await suite.http.post("/patrons/me/erasure", json={}, headers=own)
    assert (answer.status_code, answer.json()["state"]) == (202, "done")
    [event] = await suite.events(PatronErased)
    gone = {erasure["record_class"]: len(erasure["record_ids"]) for erasure in event["data"]["erased"]}
    assert gone == {
        "patron": 1, "contact": 3, "card": 1, "internal-note": 1, "patron-note": 1, "absence": 1, "lifted-block": 1,
    }  # fmt: skip
    database = suite.runtime.database
    tables = await database.fetch(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'patron_id' AND table_name <> 'erased_patron'"
        " AND table_schema = 'public'"
    )
    assert len(tables) >= 12
    for table in tables:
        left = await database.fetchval(f"SELECT count(*) FROM {table[0]} WHERE patron_id = $1", patron)
        assert left == 0, table[0]
    assert await database.fetchval("SELECT count(*) FROM refresh_token WHERE subject = $1", patron) == 0
    assert (await suite.log_in(cpr, "2468")).status_code == 400
    staff = await suite.bearer("librarian")
    assert (await suite.http.get(f"/patrons/{bystander}", headers=staff)).status_code == 200


async def test_h52_what_is_asked_after_the_erasure(suite, peers, dispose, overdue):
    patron = (await suite.make_patron())["patron_id"]
    request = (await ask(suite, patron)).json()
    staff, service = await suite.bearer("librarian"), await suite.bearer("service")
    for path in ("erasure", "export"):
        answer = await suite.http.post(
            f"/patrons/{patron}/{path}", json={"reason": "x"} if path == "export" else {}, headers=staff
        )
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:glem:problem:patron-erased"), answer.text
    assert (await suite.http.get(f"/patrons/{patron}/snapshot", headers=service)).status_code == 410
    assert (await suite.http.get("/patrons/4711/snapshot", headers=service)).status_code == 404
    known = (await suite.http.get(f"/erasures/{request['request_id']}")).json()
    assert known["state"] == "done"
    assert set(known) == {"request_id", "state", "asked_at", "erased_at", "done_at"}
    elsewhere = await suite.bearer("librarian", STRUER)
    refused = await suite.http.get(f"/patrons/{patron}/erasure", headers=elsewhere)
    assert refused.json()["type"].endswith("wrong-agency")
    first, last = await clocks_told(suite, request["request_id"])
    assert (first["version"], first["anchor"], last["version"]) == (1, None, 2)
    suite.travel(days=30, seconds=-1)
    assert (await suite.http.get(f"/erasures/{request['request_id']}")).status_code == 200
    assert await overdue("erasure-request") == []
    suite.travel(seconds=1)
    assert (await suite.http.get(f"/erasures/{request['request_id']}")).status_code == 404
    assert await overdue("erasure-request") == [request["request_id"]]
    assert (await dispose("erasure-request", request["request_id"]))["erased"] == [request["request_id"]]
    assert len(await suite.events(PatronDataErased)) == 1


async def test_a_refused_wish_is_forgotten_a_month_later_and_a_renewed_one_is_held(suite, peers, dispose, overdue):
    refused, renewed = [(await suite.make_patron())["patron_id"] for _ in range(2)]
    staff = await suite.bearer("librarian")
    peers.closing = OPEN
    ids = [(await ask(suite, patron)).json()["request_id"] for patron in (refused, renewed)]
    suite.travel(days=29)
    assert (await ask(suite, renewed, when_clear=True)).json()["request_id"] == ids[1]
    assert [(clock["version"], clock["anchor"] is None) for clock in await clocks_told(suite, ids[1])] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    suite.travel(days=1)
    path = f"/patrons/{refused}/erasure"
    assert (await suite.http.get(path, headers=staff)).json()["type"].endswith("no-erasure-request")
    assert (await suite.http.delete(path, headers=staff)).json()["type"].endswith("no-erasure-request")
    assert await overdue("erasure-request") == [ids[0]]
    outcome = await dispose("erasure-request", *ids)
    assert (outcome["erased"], [one["reason"] for one in outcome["refused"]]) == ([ids[0]], ["held"])
    assert (await suite.http.get(f"/patrons/{renewed}/erasure", headers=staff)).json()["state"] == "waiting"


async def test_a_wish_in_the_place_of_one_that_is_due_is_a_new_one(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    peers.closing = OPEN
    first = (await ask(suite, patron)).json()["request_id"]
    suite.travel(days=30)
    second = (await ask(suite, patron)).json()["request_id"]
    assert second != first
    gone = [line for event in await suite.events(PatronDataKept) for line in event["data"]["erased"]]
    assert gone == [{"record_class": "erasure-request", "record_ids": [first], "action": "erase"}]


async def test_h37_refused_with_titles_for_the_patrons_eyes_only(suite, peers):
    cpr = suite.cpr()
    patron = (await suite.make_patron(cpr=cpr))["patron_id"]
    own = await suite.patron_bearer(cpr)
    peers.closing = OPEN
    refused = (await suite.http.post("/patrons/me/erasure", json={}, headers=own)).json()
    assert refused["state"] == "refused"
    assert refused["open_loans"] == [{"loan_id": 7, "due_on": "2026-09-20", "title": "Sult"}]
    assert refused["open_debts"][0]["titles"] == ["Pan"]
    seen = (await suite.http.get(f"/patrons/{patron}/erasure", headers=await suite.bearer("librarian"))).json()
    assert (seen["open_loans"][0]["title"], seen["open_debts"][0]["titles"]) == (None, None)
    rows = await suite.runtime.database.fetch("SELECT erasure_request::text AS line FROM erasure_request")
    assert not any("Sult" in row["line"] for row in rows)
    assert await go_on(suite) == 0
    assert (await suite.log_in(cpr, "2468")).status_code == 200


async def settled(suite, patron, version=2):
    return DebtSettled(
        patron_id=patron,
        kind="fee",
        amount=500,
        balance=0,
        patron_balance=0,
        balance_version=version,
        over_limit=False,
        how="paid",
    )


@pytest.mark.parametrize("what", ["loan", "debt"])
async def test_h37_a_waiting_wish_is_carried_out_when_the_last_thing_clears(suite, peers, what):
    patron = (await suite.make_patron())["patron_id"]
    peers.closing = OPEN
    assert (await ask(suite, patron, when_clear=True)).json()["state"] == "waiting"
    assert await suite.run("erasures") == 0
    peers.closing = {**OPEN, "closed": True}
    if what == "loan":
        back = LoanReturned(patron_id=patron, branch=KOEGE, returned_at=suite.clock.now(), late=False)
        await suite.hear(back)
    else:
        await suite.hear(await settled(suite, patron))
    assert await suite.run("erasures") == 1
    assert len(await suite.events(PatronErased)) == 1


async def test_the_safety_net_tries_a_waiting_wish_though_no_event_came(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    peers.closing = OPEN
    await ask(suite, patron, when_clear=True)
    peers.closing = {**OPEN, "closed": True}
    assert await go_on(suite) == 1
    assert len(await suite.events(PatronErased)) == 1


async def test_a_waiting_wish_is_taken_back_and_one_under_way_is_not(suite, peers):
    patron, staff = (await suite.make_patron())["patron_id"], await suite.bearer("librarian")
    path = f"/patrons/{patron}/erasure"
    assert (await suite.http.delete(path, headers=staff)).json()["type"].endswith("no-erasure-request")
    peers.closing = OPEN
    waiting = (await ask(suite, patron, when_clear=True)).json()["request_id"]
    assert (await suite.http.delete(path, headers=staff)).status_code == 204
    [event] = await suite.events(PatronDataErased)
    assert event["data"]["erased"] == [{"record_class": "erasure-request", "record_ids": [waiting], "action": "erase"}]
    assert (await suite.http.get(path, headers=staff)).json()["type"].endswith("no-erasure-request")
    peers.away = True
    assert (await ask(suite, patron)).json()["state"] == "asked"
    assert (await suite.http.delete(path, headers=staff)).json()["type"].endswith("erasure-under-way")


async def test_a_peer_that_is_away_is_asked_again(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    peers.away = True
    request = (await ask(suite, patron)).json()
    assert request["state"] == "asked"
    assert await go_on(suite) == 1
    assert await suite.events(PatronErased) == []
    peers.away = False
    assert await go_on(suite) == 1
    assert (await suite.http.get(f"/erasures/{request['request_id']}")).json()["state"] == "done"


async def test_progress_is_shown_until_nothing_remains_anywhere(suite, peers):
    patron, staff = (await suite.make_patron())["patron_id"], await suite.bearer("librarian")
    peers.left = {"loan-api": 0, "notifier": 3}
    first = (await ask(suite, patron)).json()
    assert first["state"] == "erasing"
    assert first["services"] == {"patron-api": "done", "loan-api": "done", "notifier": "erasing"}
    assert (await suite.http.get(f"/patrons/{patron}/erasure", headers=staff)).json()["state"] == "erasing"
    peers.left, peers.forgotten = {"loan-api": 0, "notifier": 0}, False
    await go_on(suite)
    assert (await suite.http.get(f"/erasures/{first['request_id']}")).json()["state"] == "erasing"
    peers.forgotten = True
    await go_on(suite)
    assert (await suite.http.get(f"/erasures/{first['request_id']}")).json()["state"] == "done"
    assert (
        await suite.runtime.database.fetchval("SELECT count(*) FROM erasure_request WHERE patron_id = $1", patron) == 0
    )


async def test_wishes_at_once_are_one_wish(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    await suite.bearer("librarian")
    answers = await asyncio.gather(*(ask(suite, patron) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {202, 410}
    assert len(await suite.events(PatronErased)) == 1


async def test_late_events_about_an_erased_patron_change_nothing(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    await ask(suite, patron)
    before = len(await suite.events())
    late = DebtRaised(
        patron_id=patron, kind="fee", amount=5, balance=5, patron_balance=5, balance_version=9, over_limit=True
    )
    await suite.hear(late)
    await suite.hear(await settled(suite, patron, 10))
    assert len(await suite.events()) == before


async def test_a_guardian_asks_for_the_child_and_leaves_its_own_trace(suite, peers):
    cpr = suite.cpr()
    parent = (await suite.make_patron(cpr=cpr))["patron_id"]
    guardian = {"consent_on": "2026-08-31", "cpr": cpr, "name": "Værge", "phone": "20123456"}
    child = (await suite.make_patron(cpr=suite.cpr("010115"), patron_group="child", guardian=guardian))["patron_id"]
    other = (await suite.make_patron(cpr=suite.cpr("010115"), patron_group="child", guardian=guardian))["patron_id"]
    own = await suite.patron_bearer(cpr)
    assert (await suite.http.post(f"/patrons/{child}/erasure", json={}, headers=own)).json()["state"] == "done"
    assert (await suite.http.post("/patrons/me/erasure", json={}, headers=own)).json()["state"] == "done"
    database = suite.runtime.database
    left = await database.fetchrow("SELECT * FROM guardian WHERE patron_id = $1", other)
    assert left["as_patron_id"] is None
    assert await database.fetchval("SELECT count(*) FROM patron WHERE patron_id = $1", parent) == 0


async def test_a_gateway_that_knows_no_such_page_erases_nobody(suite, peers):
    patron = (await suite.make_patron())["patron_id"]
    peers.misled = True
    assert (await ask(suite, patron)).json()["state"] == "asked"
    await go_on(suite)
    assert await suite.events(PatronErased) == []
    peers.misled = False
    await go_on(suite)
    assert len(await suite.events(PatronErased)) == 1


async def test_a_process_that_dies_after_lending_let_go_leaves_the_rest_to_the_next(suite, peers, monkeypatch):
    patron = (await suite.make_patron())["patron_id"]

    async def die(*_):
        raise PeerAwayError("loan-api", "ReadError")

    with monkeypatch.context() as dying:
        dying.setattr("patron_api.erasure.actions._erase", die)
        assert (await ask(suite, patron)).json()["state"] == "asked"
    assert peers.closings == 1
    await go_on(suite)
    assert peers.closings == 2
    assert len(await suite.events(PatronErased)) == 1
