"""How the text of a message goes, and how the overview stays."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glem_contracts.events import (
    DebtErased,
    ReservationCancelled,
    ReservationExpired,
    ReservationFulfilled,
)
from glem_contracts.events.envelope import Erasure
from notifier.sending.actions import Sender
from tests.notifier.conftest import KOEGE, STRUER, Notifier, days, open_notifier, token

MONTH = 30


async def erasures(notifier: Notifier, kind: str = "MessageBodyErased") -> list[tuple[str, list[int], str]]:
    events = await notifier.recorded(kind)
    return [(e["record_class"], e["record_ids"], e["action"]) for event in events for e in event["data"]["erased"]]


async def test_the_body_goes_with_the_loan_it_speaks_of_and_the_overview_stays(notifier: Notifier) -> None:
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    first, second, other = (notifier.peers.loan(who) for who in (patron, patron, bystander))
    await notifier.tell(notifier.due_soon(patron, first, second), notifier.opened(bystander, other))
    untouched = await notifier.line(bystander)
    await notifier.hear(notifier.loans_erased(first), notifier.loans_erased(first))
    line = await notifier.line(patron)
    assert (line["kind"], line["state"], line["subject"], line["body"]) == ("due-soon", "sent", None, None)
    assert await erasures(notifier) == [("message-body", [line["message_id"]], "redact")]
    assert await notifier.line(bystander) == untouched
    assert untouched["body"]
    assert await notifier.runtime.database.fetchval("SELECT array_agg(record_id) FROM message_subject") == [other]


async def test_a_loan_erased_before_its_message_is_sent_is_not_spoken_of(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    loan, kept = notifier.peers.loan(patron, "Sult"), notifier.peers.loan(patron)
    await notifier.hear(notifier.due_soon(patron, loan, kept), notifier.opened(patron, loan))
    await notifier.hear(notifier.loans_erased(loan))
    await notifier.send()
    [text] = notifier.mail.texts()
    assert "Sult" not in text
    assert sorted(line["state"] for line in await notifier.overview(patron)) == ["sent", "suppressed"]


async def test_a_loan_erased_during_the_hand_over_leaves_no_body(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    patron = notifier.peers.patron()
    loan = notifier.peers.loan(patron)
    hand_over = Sender._hand_over

    async def erase_meanwhile(sender: Sender, drafts: Any) -> Any:
        outcomes = await hand_over(sender, drafts)
        await notifier.hear(notifier.loans_erased(loan))
        return outcomes

    monkeypatch.setattr(Sender, "_hand_over", erase_meanwhile)
    await notifier.tell(notifier.opened(patron, loan))
    line = await notifier.line(patron)
    assert (line["state"], line["body"]) == ("sent", None)
    assert await erasures(notifier, "MessageSent") == [("message-body", [line["message_id"]], "redact")]
    assert (await notifier.recorded("MessageSent"))[0]["data"]["clocks"] == []
    assert await notifier.count("message_body") == await notifier.count("message_subject") == 0


async def test_an_erasure_and_the_result_of_a_hand_over_pass_each_other_well(notifier: Notifier) -> None:
    patrons = [notifier.peers.patron() for _ in range(40)]
    loans = [notifier.peers.loan(patron) for patron in patrons]
    await notifier.hear(*[notifier.opened(patron, loan) for patron, loan in zip(patrons, loans, strict=True)])
    work = asyncio.create_task(notifier.send())
    for loan in loans:
        await notifier.hear(notifier.loans_erased(loan))
    await work
    assert await notifier.count("message_body") == await notifier.count("message_subject") == 0
    assert await notifier.count("delivery") == 0
    assert await notifier.count("message") == 40


@pytest.mark.parametrize("ending", [ReservationCancelled, ReservationFulfilled, ReservationExpired])
async def test_a_ready_notice_keeps_only_its_envelope_when_the_reservation_is_gone(
    notifier: Notifier, ending: type
) -> None:
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    reservation, other = notifier.peers.reservation(patron), notifier.peers.reservation(bystander)
    await notifier.tell(notifier.ready(patron, reservation), notifier.ready(bystander, other))
    extra = {"not_picked_up": True} if ending is ReservationExpired else {}
    await notifier.hear(notifier.event(ending(patron_id=patron, **extra), reservation))
    line = await notifier.line(patron)
    assert (line["state"], line["body"]) == ("sent", None)
    assert (await notifier.line(bystander))["body"]


async def test_the_statement_goes_with_the_material_of_its_debt(notifier: Notifier) -> None:
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    debt, other = notifier.peers.debt(patron), notifier.peers.debt(bystander)
    await notifier.tell(notifier.raised(patron, debt), notifier.raised(bystander, other))
    erased = [Erasure(record_class="debt", record_ids=[debt], action="redact")]
    await notifier.hear(notifier.event(DebtErased(erased=erased), debt))
    assert (await notifier.line(patron))["body"] is None
    assert (await notifier.line(bystander))["body"]


async def test_a_body_is_hidden_the_moment_it_is_due_and_not_before(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    notifier.clock.travel(days(MONTH - 0.00001))
    assert (await notifier.line(patron))["body"]
    notifier.clock.travel(days(0.00001))
    line = await notifier.line(patron)
    assert (line["state"], line["subject"], line["body"]) == ("sent", None, None)
    assert await notifier.count("message_body") == 1, "hidden before it is gone"


async def test_a_body_is_hidden_the_moment_the_loan_is_due_though_nothing_is_erased_yet(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    due, kept = notifier.peers.loan(patron), notifier.peers.loan(patron)
    await notifier.tell(notifier.opened(patron, due), notifier.due_soon(patron, kept))
    known = notifier.peers.records["loan"].pop(due)
    assert {line["kind"]: bool(line["body"]) for line in await notifier.overview(patron)} == {
        "receipt": False,
        "due-soon": True,
    }
    notifier.peers.records["loan"][due] = known
    notifier.peers.away = True
    assert not any(line["body"] for line in await notifier.overview(patron)), "not known to be kept"


async def test_the_worker_s_order_takes_what_is_due_and_refuses_the_rest(notifier: Notifier) -> None:
    old, young, elsewhere = notifier.peers.patron(), notifier.peers.patron(), notifier.peers.patron(STRUER)
    await notifier.tell(notifier.opened(old, notifier.peers.loan(old)))
    await notifier.tell(notifier.opened(elsewhere, notifier.peers.loan(elsewhere), agency=STRUER))
    notifier.clock.travel(days(1))
    await notifier.tell(notifier.opened(young, notifier.peers.loan(young)))
    due, kept = (await notifier.line(old))["message_id"], (await notifier.line(young))["message_id"]
    foreign = (await notifier.line(elsewhere, agency=STRUER))["message_id"]
    assert (await notifier.order("message-body", due, kept))["redacted"] == []
    notifier.clock.travel(days(MONTH - 1))
    outcome = await notifier.order("message-body", due, kept, foreign, 5)
    assert (outcome["redacted"], outcome["gone"], outcome["erased"]) == ([due], [foreign, 5], [])
    [refused] = outcome["refused"]
    assert (refused["record_id"], refused["reason"], refused["version"]) == (kept, "not-due", 1)
    assert refused["anchor"].startswith("2100-03-02T12:00")
    assert (await notifier.order("message-body", due))["gone"] == [due]
    assert (await notifier.line(young))["body"]
    assert (await notifier.line(old))["state"] == "sent"
    assert await erasures(notifier) == [("message-body", [due], "redact")]
    assert await notifier.count("message_body") == await notifier.count("message_subject") == 2


async def test_the_audit_reads_the_facts(notifier: Notifier) -> None:
    patrons = [notifier.peers.patron() for _ in range(3)]
    for patron in patrons:
        await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
        notifier.clock.travel(days(1))
    await notifier.runtime.database.execute("UPDATE message_body SET anchor = anchor + interval '1 year'")
    notifier.clock.travel(days(MONTH - 2))
    answer = await notifier.client.get(
        "/disposals/overdue",
        params={"agency": KOEGE, "record_class": "message-body"},
        headers=token("service", "retention:dispose"),
    )
    assert [record["record_id"] for record in answer.json()] == [
        (await notifier.line(patron))["message_id"] for patron in patrons[:2]
    ]


async def test_the_overview_goes_with_the_patron(notifier: Notifier) -> None:
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    await notifier.tell(*[notifier.opened(who, notifier.peers.loan(who)) for who in (patron, bystander)])
    await notifier.hear(notifier.opened(patron, notifier.peers.loan(patron)))
    ids = sorted(line["message_id"] for line in await notifier.overview(patron))
    sent = [line["message_id"] for line in await notifier.overview(patron) if line["body"]]
    del notifier.peers.contacts[patron]
    await notifier.hear(notifier.patron_erased(patron), notifier.patron_erased(patron))
    assert await notifier.overview(patron) == []
    assert await erasures(notifier) == [("message-body", sent, "redact"), ("message-envelope", ids, "erase")]
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    assert await notifier.overview(patron) == []
    assert (await notifier.line(bystander))["body"]
    for table in ("message", "message_body", "message_subject"):
        assert await notifier.count(table) == 1
    assert len(notifier.mail.mails) == 2


async def test_a_patron_erased_during_the_hand_over_leaves_nothing(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    patron = notifier.peers.patron()
    hand_over = Sender._hand_over

    async def erase_meanwhile(sender: Sender, drafts: Any) -> Any:
        await notifier.hear(notifier.patron_erased(patron))
        return await hand_over(sender, drafts)

    monkeypatch.setattr(Sender, "_hand_over", erase_meanwhile)
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    for table in ("message", "message_body", "message_subject", "delivery"):
        assert await notifier.count(table) == 0
    assert await notifier.recorded("MessageSent") == []


async def test_nothing_in_the_events_or_the_envelope_leads_to_a_loan_or_an_address(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    loan = notifier.peers.loan(patron)
    event = notifier.opened(patron, loan)
    await notifier.tell(event)
    await notifier.hear(notifier.loans_erased(loan))
    database = notifier.runtime.database
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    left = {
        row["tablename"]: str([tuple(line) for line in await database.fetch(f'SELECT * FROM "{row["tablename"]}"')])
        for row in tables
    }
    for secret in (str(loan), "Rejsen til Saturn", "Testesen", "example.org"):
        assert not [name for name, content in left.items() if secret in content], secret
    assert [name for name, content in left.items() if event.id in content] == ["handled_event"]
    assert str(patron) not in left["handled_event"]


async def test_a_library_that_caps_the_overview_has_it_erased(
    fresh_agencies: Callable[[str, str], Path], notifier: Notifier, tmp_path: Path
) -> None:
    cap = """
[retention.message-envelope]
period = "P90D"
effective = 2018-05-25T00:00:00+02:00
wording = "Oversigten slettes efter 90 dage."
rows = ["R59"]

[retention.message-body]"""
    folder = fresh_agencies("\n[retention.message-body]", cap)
    url = notifier.runtime.settings.database_url
    async with open_notifier(url, tmp_path, notifier.peers, notifier.mail, notifier.sms, folder) as capped:
        patron, unreached, young = capped.peers.patron(), capped.peers.patron(email=None), capped.peers.patron()
        await capped.tell(*[capped.opened(who, capped.peers.loan(who)) for who in (patron, unreached)])
        classes = [clock["record_class"] for clock in (await capped.recorded("MessageSent"))[0]["data"]["clocks"]]
        assert classes == ["message-body", "message-envelope"]
        [clock] = (await capped.recorded("MessageSuppressed"))[0]["data"]["clocks"]
        assert clock["record_class"] == "message-envelope"
        ids = [(await capped.line(who))["message_id"] for who in (patron, unreached)]
        capped.clock.travel(days(90))
        await capped.tell(capped.opened(young, capped.peers.loan(young)))
        kept = (await capped.line(young))["message_id"]
        await capped.hear(capped.opened(young, capped.peers.loan(young)))
        [waiting] = [line["message_id"] for line in await capped.overview(young) if line["state"] == "queued"]
        assert await capped.overview(patron) == []
        overdue = await capped.client.get(
            "/disposals/overdue",
            params={"agency": KOEGE, "record_class": "message-envelope"},
            headers=token("service", "retention:dispose"),
        )
        assert sorted(record["record_id"] for record in overdue.json()) == sorted(ids)
        outcome = await capped.order("message-envelope", *ids, kept, waiting)
        assert sorted(outcome["erased"]) == sorted(ids)
        assert {refused["record_id"]: refused["reason"] for refused in outcome["refused"]} == {
            kept: "not-due",
            waiting: "held",
        }
        assert await capped.count("message") == 2


async def test_a_malformed_event_goes_to_the_dead_letters(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    await notifier.hear(notifier.opened(patron, notifier.peers.loan(patron), agency="DK-999999"))
    assert await notifier.count("message") == 0
    [letter] = await notifier.recorded("DeadLettered")
    assert letter["data"]["reason"] == "KeyError"


async def test_nothing_is_queued_for_a_patron_who_is_erased(notifier):
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    await notifier.hear(notifier.patron_erased(patron))
    await notifier.hear(notifier.opened(patron, notifier.peers.loan(patron)))
    await notifier.hear(notifier.opened(bystander, notifier.peers.loan(bystander)))
    assert await notifier.count("message") == 1
    headers = token("service", "patrons:close")
    left = (await notifier.client.get(f"/patrons/{patron}/remains", headers=headers)).json()
    assert left == {"forgotten": True, "records": {"messages": 0}}
    others = (await notifier.client.get(f"/patrons/{bystander}/remains", headers=headers)).json()
    assert others == {"forgotten": False, "records": {"messages": 1}}


async def test_h107_a_forged_end_of_a_patron_takes_no_message(notifier: Notifier):
    patron = notifier.peers.patron()
    notifier.peers.living.add(patron)
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    await notifier.hear(notifier.patron_erased(patron))
    assert len(await notifier.overview(patron)) == 1
    assert notifier.runtime.metrics.dead_letters._value.get() == 1
    notifier.peers.living.clear()
    await notifier.hear(notifier.patron_erased(patron))
    assert await notifier.overview(patron) == []
