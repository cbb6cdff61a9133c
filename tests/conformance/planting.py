"""One way to plant a record of every class: by the acts that make it, over HTTP, so that its clock is told as in daily use.

A new record class needs one function here, marked with `@plants`. `test_conformance` fails, and names it, until it has one.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.conformance.house import AALBORG, DAY, KOEGE, LOAN_PERIOD, SECRET, STRUER, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True)
class Planted:
    """A record as it was made; `patron` is 0 when it is about no patron.

    `shown` is what the patron's export shows of it, `marks` are values that nothing may show once it is due.
    """

    record_class: str
    agency: str
    record_id: int
    patron: int
    shown: str
    marks: tuple[str, ...]


PLANTERS: dict[str, Callable[[House], Awaitable[Planted]]] = {}


def plants(record_class: str):
    """Declare a function as the way to plant a record of a class."""

    def declare(planter: Callable[[House], Awaitable[Planted]]) -> Callable[[House], Awaitable[Planted]]:
        PLANTERS[record_class] = planter
        return planter

    return declare


def mark() -> str:
    """A word that is nowhere else, of letters alone, so that no program takes it for a number or a name of a work."""
    return "m" + "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(12))


async def patron(house: House, agency: str, **more: object) -> int:
    """Register an adult who takes messages, and log them in."""
    house.people += 1
    cpr = f"{61 + house.people % 28}{1 + house.people % 12:02}{50 + house.people % 40}{1000 + house.people % 3000:04}"
    body = {
        "cpr": cpr,
        "name": f"Prøve {mark()}",
        "municipality": "0259",
        "pin": "4711",
        "address": {"street": "Vej 1", "postal_code": "4600", "city": "Køge"},
        "patron_group": "adult",
        "home_branch": agency,
        "phones": [],
        "emails": [{"address": f"{mark()}@example.dk", "receives": True}],
        "permissions": {"sms": True, "email": True},
        **more,
    }
    made = await house.must(agency, "librarian", "POST", "/patron-api/patrons", body)
    await house.log_in(f"patron-{made['patron_id']}", str(body["cpr"]), "4711", agency)
    await house.suite.settle()
    return int(made["patron_id"])


async def item(house: House, agency: str, count: int = 1) -> list[tuple[str, str, str]]:
    """Bring in works with one item each; return (barcode, work, title) of each."""
    marks = [mark() for _ in range(count)]
    works = [{"record_id": f"870970-basis:{one}", "title": f"Titel {one}", "type": "book"} for one in marks]
    items = [{"barcode": f"b{one}", "record_id": f"870970-basis:{one}", "branch": agency} for one in marks]
    for path, lines in (("/loan-api/works", works), ("/loan-api/items", items)):
        answer = await house.http.put(
            path,
            content="\n".join(json.dumps(line) for line in lines),
            headers={
                "authorization": f"Bearer {house.tokens[agency, 'administrator']}",
                "content-type": "application/x-ndjson",
            },
        )
        assert answer.json()["imported"] == count, answer.text
    return [(f"b{one}", f"870970-basis:{one}", f"Titel {one}") for one in marks]


async def loan(house: House, agency: str, who: int, **more: object) -> tuple[int, str, str]:
    """Lend an item; return (loan, barcode, title)."""
    [(barcode, _, title)] = await item(house, agency)
    body = {"patron_id": who, "item": barcode, "branch": agency, **more}
    made = await house.must(agency, "librarian", "POST", "/loan-api/loans", body)
    return int(made["loan_id"]), barcode, title


async def give_back(house: House, agency: str, barcode: str) -> Any:
    return await house.must(agency, "librarian", "POST", "/loan-api/returns", {"item": barcode, "branch": agency})


async def settled_debt(house: House, agency: str) -> Planted:
    """A fee on an open loan, paid at the desk."""
    who = await patron(house, agency)
    loan_id, barcode, _ = await loan(house, agency, who)
    amount = 10_000 + secrets.randbelow(9_000)
    body = {"patron_id": who, "loan_id": loan_id, "kind": "fee", "amount": amount, "cause": "other"}
    made = await house.must(agency, "librarian", "POST", "/loan-api/debts", body)
    await give_back(house, agency, barcode)
    pay = {"order_id": f"order-{mark()}", "patron_id": who, "amount": amount, "debt_ids": [made["debt_id"]]}
    await house.must(agency, "librarian", "POST", "/loan-api/payments", pay)
    return Planted("debt", agency, made["debt_id"], who, str(amount), (str(made["debt_id"]), str(amount)))


@plants("loan")
async def plant_loan(house: House) -> Planted:
    who = await patron(house, KOEGE)
    loan_id, barcode, title = await loan(house, KOEGE, who)
    await give_back(house, KOEGE, barcode)
    return Planted("loan", KOEGE, loan_id, who, title, (str(loan_id),))


@plants("debt")
async def plant_debt(house: House) -> Planted:
    return await settled_debt(house, STRUER)


@plants("debt-amount")
async def plant_debt_amount(house: House) -> Planted:
    made = await settled_debt(house, KOEGE)
    return Planted("debt-amount", KOEGE, made.record_id, made.patron, made.shown, made.marks)


@plants("reservation")
async def plant_reservation(house: House) -> Planted:
    who, other = await patron(house, KOEGE), await patron(house, KOEGE)
    [(barcode, work, title)] = await item(house, KOEGE)
    body = {"patron_id": other, "item": barcode, "branch": KOEGE}
    await house.must(KOEGE, "librarian", "POST", "/loan-api/loans", body)
    wish = {"patron_id": who, "work_id": work, "pickup_branch": KOEGE}
    made = await house.must(KOEGE, "librarian", "POST", "/loan-api/reservations", wish)
    return Planted("reservation", KOEGE, made["reservation_id"], who, title, (str(made["reservation_id"]),))


@plants("homebound-work")
async def plant_homebound_work(house: House) -> Planted:
    who = await patron(house, KOEGE, patron_group="homebound")
    signed = {"signed_on": str(house.now.date() - DAY)}
    await house.must(KOEGE, "librarian", "PUT", f"/patron-api/patrons/{who}/homebound-consent", signed)
    await house.suite.settle()
    [(barcode, _, title)] = await item(house, KOEGE)
    body = {"patron_id": who, "item": barcode, "branch": KOEGE}
    made = await house.must(KOEGE, "librarian", "POST", "/loan-api/loans", body)
    await give_back(house, KOEGE, barcode)
    await house.travel_to(house.now + LOAN_PERIOD)
    order = {"disposal_id": secrets.randbelow(2**50) + 1, "agency": KOEGE, "record_class": "loan"}
    wanted = {**order, "record_ids": [made["loan_id"]]}
    done = await house.must(KOEGE, "retention-worker", "POST", "/loan-api/disposals", wanted)
    assert done["erased"] == [made["loan_id"]], done
    [row] = await house.rows("loan-api", "SELECT entry_id FROM homebound_work WHERE patron_id = $1", who)
    return Planted("homebound-work", KOEGE, row["entry_id"], who, title, (title,))


async def message(house: House, agency: str) -> tuple[int, int, str]:
    """Send a receipt of a loan; return (message, patron, a sentence that only its body has)."""
    who = await patron(house, agency)
    _, barcode, title = await loan(house, agency, who, receipt=True)
    await house.suite.settle()
    await give_back(house, agency, barcode)
    [row] = await house.rows("notifier", "SELECT message_id, state FROM message WHERE patron_id = $1", who)
    assert row["state"] == "sent", row["state"]
    [line] = await house.must(agency, "librarian", "GET", f"/notifier/patrons/{who}/messages")
    sentence = next(text.strip() for text in line["body"].splitlines() if title in text)
    assert len(sentence) > len(title) + 5, sentence
    return row["message_id"], who, sentence


@plants("message-body")
async def plant_message_body(house: House) -> Planted:
    message_id, who, sentence = await message(house, KOEGE)
    return Planted("message-body", KOEGE, message_id, who, sentence, (sentence,))


@plants("message-envelope")
async def plant_message_envelope(house: House) -> Planted:
    message_id, who, _ = await message(house, STRUER)
    return Planted("message-envelope", STRUER, message_id, who, str(message_id), (str(message_id),))


@plants("absence")
async def plant_absence(house: House) -> Planted:
    who = await patron(house, KOEGE)
    until = house.now.date() + 11 * DAY
    body = {"from": str(house.now.date()), "until": str(until)}
    await house.must(KOEGE, "librarian", "PUT", f"/patron-api/patrons/{who}/absence", body)
    [row] = await house.rows("patron-api", "SELECT absence_id FROM absence WHERE patron_id = $1", who)
    return Planted("absence", KOEGE, row["absence_id"], who, str(until), (str(until),))


@plants("lifted-block")
async def plant_lifted_block(house: House) -> Planted:
    who, reason = await patron(house, KOEGE), mark()
    path = f"/patron-api/patrons/{who}/blocks"
    await house.must(KOEGE, "librarian", "POST", path, {"code": "S", "reason": reason})
    await house.must(KOEGE, "librarian", "DELETE", f"{path}/S")
    [row] = await house.rows("patron-api", "SELECT block_id FROM block WHERE patron_id = $1", who)
    return Planted("lifted-block", KOEGE, row["block_id"], who, reason, (reason,))


async def note(house: House, kind: str) -> Planted:
    who, text = await patron(house, KOEGE), mark()
    await house.must(KOEGE, "librarian", "PUT", f"/patron-api/patrons/{who}/notes", {kind: text})
    [row] = await house.rows("patron-api", "SELECT note_id FROM note WHERE patron_id = $1", who)
    return Planted(f"{kind}-note", KOEGE, row["note_id"], who, text, (text,))


@plants("internal-note")
async def plant_internal_note(house: House) -> Planted:
    return await note(house, "internal")


@plants("patron-note")
async def plant_patron_note(house: House) -> Planted:
    return await note(house, "patron")


@plants("viewing")
async def plant_viewing(house: House) -> Planted:
    who = await patron(house, KOEGE)
    _, barcode, _ = await loan(house, KOEGE, who)
    await give_back(house, KOEGE, barcode)
    await house.must(KOEGE, "librarian", "GET", f"/loan-api/patrons/{who}/loans", viewing_reason="dispute")
    [row] = await house.rows("loan-api", "SELECT viewing_id FROM viewing WHERE patron_id = $1", who)
    return Planted("viewing", KOEGE, row["viewing_id"], who, "dispute", (str(row["viewing_id"]),))


async def asked_export(house: House) -> tuple[int, int, str]:
    """A librarian asks for a patron's data; return (request, patron, reason)."""
    who, reason = await patron(house, KOEGE), mark()
    path = f"/patron-api/patrons/{who}/export"
    made = await house.must(KOEGE, "librarian", "POST", path, {"reason": reason})
    return made["export_id"], who, reason


@plants("export-request")
async def plant_export_request(house: House) -> Planted:
    export_id, who, reason = await asked_export(house)
    return Planted("export-request", KOEGE, export_id, who, reason, (reason,))


@plants("access-log")
async def plant_access_log(house: House) -> Planted:
    export_id, who, reason = await asked_export(house)
    await house.must(KOEGE, "librarian", "GET", f"/patron-api/patrons/{who}/exports/{export_id}")
    [row] = await house.rows("patron-api", "SELECT entry_id FROM access_log WHERE patron_id = $1", who)
    return Planted("access-log", KOEGE, row["entry_id"], who, reason, (reason,))


@plants("guardian")
async def plant_guardian(house: House) -> Planted:
    name, turns = f"Prøve {mark()}", house.now.date() + 5 * DAY
    born = turns.replace(year=turns.year - 18)
    number = f"{born.day + 60:02}{born:%m%y}4{(house.people + 1) % 1000:03}"
    guardian = {"consent_on": str(house.now.date() - DAY), "name": name, "phone": "20123456"}
    who = await patron(house, KOEGE, cpr=number, patron_group="child", guardian=guardian)
    [row] = await house.rows("patron-api", "SELECT guardian_id FROM guardian WHERE patron_id = $1", who)
    return Planted("guardian", KOEGE, row["guardian_id"], who, str(turns), (name,))


@plants("erasure-request")
async def plant_erasure_request(house: House) -> Planted:
    who = await patron(house, KOEGE)
    await loan(house, KOEGE, who)
    made = await house.must(KOEGE, "librarian", "POST", f"/patron-api/patrons/{who}/erasure", {})
    assert made["state"] == "refused", made
    # Of no patron: a wish to be erased takes its own request up again, and leaves it as one that nobody has made.
    return Planted("erasure-request", KOEGE, made["request_id"], 0, "", (str(made["request_id"]),))


@plants("legal-hold")
async def plant_legal_hold(house: House) -> Planted:
    reason, unknown = mark(), secrets.randbelow(2**50) + 1
    hold = {
        "kind": "other",
        "reason": reason,
        "ends_at": (house.now + 30 * DAY).isoformat(),
        "records": [{"record_class": "loan", "record_ids": [unknown]}],
    }
    placed = await house.must(KOEGE, "dpo", "POST", "/retention-worker/holds", hold)
    await house.must(KOEGE, "dpo", "POST", f"/retention-worker/holds/{placed['hold_id']}/release")
    return Planted("legal-hold", KOEGE, placed["hold_id"], 0, "", (reason,))


async def officer(house: House, agency: str) -> tuple[str, str]:
    """Hire another data protection officer; return the name of their log-in here, and how routes name them."""
    name = mark()
    account = {"username": name, "secret": SECRET, "role": "dpo"}
    made = await house.must(agency, "administrator", "POST", "/patron-api/accounts", account)
    await house.log_in(name, name, SECRET, agency)
    return name, f"staff-{made['account_id']}"


async def propose(house: House, agency: str, who: str) -> Any:
    """Propose another period for viewings, a day after the newest."""
    terms = house.runtime("viewing").agencies.terms(agency, "viewing")
    body = {
        "record_class": "viewing",
        "period": "P3D" if terms[-1].period == 2 * DAY else "P2D",
        "effective": (max(house.now + DAY, terms[-1].effective + DAY) + DAY).isoformat(),
        "wording_da": "Vi glemmer det efter nogle dage.",
        "wording_en": "We forget it after some days.",
    }
    return await house.must(agency, who, "POST", "/retention-worker/policies/proposals", body)


@plants("policy-change")
async def plant_policy_change(house: House) -> Planted:
    who, name = await officer(house, KOEGE)
    await propose(house, KOEGE, who)
    [row] = await house.rows("retention-worker", "SELECT step FROM policy_step WHERE account = $1", name)
    return Planted("policy-change", KOEGE, row["step"], 0, "", (name,))


@plants("breaker-acknowledgement")
async def plant_breaker_acknowledgement(house: House) -> Planted:
    # At a library of which nothing else is planted: the change of its policy is nobody else's.
    if (AALBORG, "dpo") not in house.tokens:
        await house.hire(AALBORG)
    who, name = await officer(house, AALBORG)
    proposal = (await propose(house, AALBORG, "dpo"))["proposal_id"]
    path = f"/retention-worker/policies/proposals/{proposal}"
    seen = await house.must(AALBORG, who, "GET", f"{path}/preview")
    await house.must(AALBORG, who, "POST", f"{path}/approval", {"records": seen["records"]})
    statement = "SELECT acknowledgement_id FROM breaker WHERE acknowledged_by = $1"
    [row] = await house.rows("retention-worker", statement, name)
    return Planted("breaker-acknowledgement", AALBORG, row["acknowledgement_id"], 0, "", (name,))


@plants("patron")
async def plant_patron(house: House) -> Planted:
    name = f"Prøve {mark()}"
    who = await patron(house, KOEGE, name=name)
    return Planted("patron", KOEGE, who, who, name, (name,))


@plants("contact")
async def plant_contact(house: House) -> Planted:
    address = f"{mark()}@example.dk"
    who = await patron(house, KOEGE, emails=[{"address": address, "receives": True}])
    [row] = await house.rows("patron-api", "SELECT contact_id FROM contact WHERE patron_id = $1", who)
    return Planted("contact", KOEGE, row["contact_id"], who, address, (address,))


@plants("card")
async def plant_card(house: House) -> Planted:
    who = await patron(house, KOEGE)
    number = f"7{secrets.randbelow(10**11):011}"
    path = f"/patron-api/patrons/{who}/cards"
    made = await house.must(KOEGE, "librarian", "POST", path, {"kind": "library", "number": number})
    return Planted("card", KOEGE, made["card_id"], who, number, (number,))


@plants("account")
async def plant_account(house: House) -> Planted:
    name = mark()
    account = {"username": name, "secret": SECRET, "role": "librarian"}
    made = await house.must(KOEGE, "administrator", "POST", "/patron-api/accounts", account)
    return Planted("account", KOEGE, made["account_id"], 0, name, (name,))


ENDINGS: dict[str, Callable[[House, Planted], Awaitable[object]]] = {
    "reservation": lambda house, one: house.must(
        one.agency, "librarian", "DELETE", f"/loan-api/reservations/{one.record_id}"
    ),
    "patron": lambda house, one: house.erase_patron(one.agency, one.patron),
    "contact": lambda house, one: house.must(
        one.agency, "librarian", "PUT", f"/patron-api/patrons/{one.patron}/contacts", {"phones": [], "emails": []}
    ),
    "card": lambda house, one: house.must(
        one.agency, "librarian", "DELETE", f"/patron-api/patrons/{one.patron}/cards/{one.record_id}"
    ),
    "account": lambda house, one: house.must(
        one.agency, "administrator", "DELETE", f"/patron-api/accounts/{one.record_id}"
    ),
}
"""The act that ends a record of each class which goes in an act."""
