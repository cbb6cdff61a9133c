"""A patron's rights as stories, embedded and over Kafka: erase me, see my data, remember for me."""

import asyncio
import secrets
from datetime import timedelta

import httpx

from .library import Library, Patron

DAY = timedelta(days=1)


async def erase(library: Library, patron: Patron, **wish: object) -> dict:
    who = str(patron.patron_id)
    return await library.ask("POST", "patron-api", f"/patrons/{who}/erasure", who, wish, expect=202)


async def done(library: Library, request: dict) -> None:
    async def is_done() -> bool:
        shown = await library.ask("GET", "patron-api", f"/erasures/{request['request_id']}", "librarian")
        return shown["state"] == "done"

    await library.eventually(is_done, "the erasure is done")


async def nothing_left(library: Library, patron: Patron) -> None:
    for service, tables in {
        "patron-api": ("patron", "contact", "address", "card", "consent", "note", "erasure_request", "export_request"),
        "loan-api": ("loan", "reservation", "debt", "homebound_work", "homebound_consent"),
        "notifier": ("message",),
    }.items():
        for table in tables:
            found = await library.rows(service, f"SELECT 1 FROM {table} WHERE patron_id = $1", patron.patron_id)
            assert not found, f"{service}: {table}"
    [tombstone] = await library.rows("loan-api", "SELECT * FROM borrower WHERE patron_id = $1", patron.patron_id)
    assert (tombstone["erased"], tombstone["patron_group"], tombstone["home_branch"]) == (True, None, None)


async def test_h38_erased_with_twelve_loans_in_the_window(koege: Library):
    patron, bystander = await koege.register(), await koege.register()
    items = await koege.import_works(13)
    loans = [(await koege.check_out(patron, item, receipt=True))["loan_id"] for item in items[:12]]
    other = (await koege.check_out(bystander, items[12]))["loan_id"]

    async def told() -> bool:
        return any(line["body"] for line in await koege.messages(patron))

    await koege.eventually(told, "a receipt was sent")
    for item in items:
        await koege.check_in(item)
    await koege.suite.travel(2 * DAY)
    await done(koege, await erase(koege, patron))
    await nothing_left(koege, patron)

    async def registered() -> bool:
        lines = await koege.registered("loan")
        return set(loans) <= set(lines) and patron.patron_id in await koege.registered("patron")

    await koege.eventually(registered, "the register has a line for each loan and one for the patron")
    lines = await koege.registered("loan")
    assert other not in lines
    assert {lines[loan]["outcome"] for loan in loans} == {"erased"}
    assert [loan["loan_id"] for loan in await koege.loans(bystander)] == [other]
    clocks = await koege.rows("retention-worker", "SELECT 1 FROM clock WHERE record_id = ANY($1::bigint[])", loans)
    assert not clocks, "no pending schedule is left"


async def test_h37_refused_then_carried_out_when_the_last_thing_clears(struer: Library):
    patron = await struer.register()
    [item] = await struer.import_works(1)
    loan = await struer.check_out(patron, item)
    await struer.suite.travel(45 * DAY)
    await struer.log_in(str(patron.patron_id), patron.cpr, patron.pin)
    refused = await erase(struer, patron)
    assert (refused["state"], [line["loan_id"] for line in refused["open_loans"]]) == ("refused", [loan["loan_id"]])
    assert refused["open_loans"][0]["title"].startswith("Titel")
    waiting = await erase(struer, patron, when_clear=True)
    assert waiting["state"] == "waiting"

    [debt] = (await struer.check_in(item))["debts"]

    async def only_the_fee_stands_against_it() -> bool:
        shown = await struer.ask("GET", "patron-api", "/patrons/me/erasure", str(patron.patron_id))
        return shown["state"] == "waiting" and [line["debt_id"] for line in shown["open_debts"]] == [debt["debt_id"]]

    await struer.eventually(only_the_fee_stands_against_it, "the fee stands against it")
    pay = {"order_id": secrets.token_hex(8), "patron_id": patron.patron_id, "amount": debt["balance"]}
    await struer.ask("POST", "loan-api", "/payments", "librarian", pay)
    await done(struer, waiting)
    await nothing_left(struer, patron)


async def test_h39_the_wish_races_check_outs_and_never_both_win(koege: Library):
    items = await koege.import_works(12)
    patrons = [await koege.register() for _ in items]

    async def check_out(patron: Patron, item: str) -> int:
        body = {"patron_id": patron.patron_id, "item": item, "branch": koege.branch}
        answer = await koege.http.post(
            koege.suite.url("loan-api") + "/loans",
            json=body,
            headers={"authorization": f"Bearer {koege.tokens['librarian']}"},
        )
        return answer.status_code

    pairs = [
        pair
        for patron, item in zip(patrons, items, strict=True)
        for pair in (erase(koege, patron), check_out(patron, item))
    ]
    answers = await asyncio.gather(*pairs)
    for patron, item, request, status in zip(patrons, items, answers[::2], answers[1::2], strict=True):
        lent = await koege.rows("loan-api", "SELECT 1 FROM loan WHERE patron_id = $1", patron.patron_id)
        if request["state"] == "refused":
            assert (status, len(lent)) == (201, 1)
            await koege.check_in(item)
        else:
            assert (status, lent) == (404, [])
            await done(koege, request)


async def export(library: Library, patron: Patron, kind: str = "json") -> httpx.Response:
    who = str(patron.patron_id)
    asked = await library.ask("POST", "patron-api", f"/patrons/{who}/export", who, {}, expect=201)
    return await library.http.get(
        library.suite.url("patron-api") + f"/patrons/{who}/exports/{asked['export_id']}?kind={kind}",
        headers={"authorization": f"Bearer {library.tokens[who]}"},
    )


async def test_h53_the_export_is_whole_and_empty_after_the_erasure(koege: Library):
    patron = await koege.register()
    item, other = await koege.import_works(2)
    await koege.check_out(patron, item, receipt=True)
    due = await koege.check_out(patron, other)
    note = {"internal": "Kort fundet i dag", "patron": "Velkommen"}
    await koege.ask("PUT", "patron-api", f"/patrons/{patron.patron_id}/notes", "librarian", note)

    async def told() -> bool:
        return any(line["body"] for line in await koege.messages(patron))

    await koege.eventually(told, "the receipt was sent")
    whole = await export(koege, patron)
    title = f"Titel {item[1:]}"
    for value in (patron.cpr, patron.email, patron.phone, "Kort fundet i dag", "Velkommen", title, "receipt"):
        assert value in whole.text, value
    texts = [section for section in whole.json()["sections"] if section["name"] == "message_body"]
    assert texts[0]["rows"][0]["body"]
    page = await export(koege, patron, "html")
    assert page.headers["content-type"].startswith("text/html")
    assert title in page.text
    assert "<script" not in page.text

    for barcode in (item, other):
        await koege.check_in(barcode)
    await koege.suite.travel(30 * DAY + timedelta(seconds=5))
    await koege.log_in(str(patron.patron_id), patron.cpr, patron.pin)
    later = await export(koege, patron)
    assert str(due["loan_id"]) not in later.text
    assert title not in later.text

    await done(koege, await erase(koege, patron))
    who = str(patron.patron_id)
    gone = await koege.ask("POST", "patron-api", f"/patrons/{who}/export", who, {}, expect=410)
    assert gone["type"].endswith("patron-erased")


async def test_r43_the_works_of_a_homebound_patron_are_remembered_until_the_consent_ends(koege: Library):
    patron = await koege.register()
    who = str(patron.patron_id)
    await koege.ask("PATCH", "patron-api", f"/patrons/{who}", "librarian", {"patron_group": "homebound"})
    signed = {"signed_on": str(koege.suite.now().date() - DAY)}
    await koege.ask("PUT", "patron-api", f"/patrons/{who}/homebound-consent", "librarian", signed)

    async def known() -> object:
        return await koege.rows(
            "loan-api", "SELECT 1 FROM homebound_consent WHERE patron_id = $1 AND in_force", patron.patron_id
        )

    await koege.eventually(known, "lending knows the consent")
    [item] = await koege.import_works(1)
    loan = await koege.check_out(patron, item)
    await koege.check_in(item)
    await koege.suite.travel(30 * DAY + timedelta(seconds=5))
    await koege.gone("loan", loan["loan_id"])
    await koege.log_in(who, patron.cpr, patron.pin)

    async def works() -> list[str]:
        return [line["work_id"] for line in await koege.ask("GET", "loan-api", f"/patrons/{who}/homebound-works", who)]

    assert await works() == [loan["work_id"]]
    wish = {"patron_id": patron.patron_id, "work_id": loan["work_id"]}
    refused = await koege.ask("POST", "loan-api", "/reservations", who, wish, expect=409)
    assert refused["type"].endswith("previously-loaned-by-homebound-patron")
    [entry] = await koege.rows("loan-api", "SELECT entry_id FROM homebound_work WHERE patron_id = $1", patron.patron_id)
    await koege.ask("DELETE", "patron-api", f"/patrons/{who}/homebound-consent", who, expect=204)
    line = await koege.gone("homebound-work", entry["entry_id"])
    assert line["outcome"] == "erased"
    assert await works() == []
