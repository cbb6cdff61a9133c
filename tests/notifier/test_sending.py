"""What goes out, and to whom."""

import pytest

from glem_contracts.contacts import ReachablePatron
from glem_contracts.events import HOMEBOUND_HISTORY, ConsentWithdrawn
from glem_retention.agencies import load_agencies
from notifier.sending.rendering import Letter, render
from notifier.sending.rules import Job
from tests.notifier.conftest import AGENCIES, KOEGE, RANDERS, START, STRUER, Notifier, days


async def test_a_loan_with_a_receipt_becomes_one_mail_and_a_line(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    loan = notifier.peers.loan(patron, "Æblerne »på« Ærø, en lang titel om frugt, haver, ører og andet godt")
    await notifier.tell(notifier.opened(patron, loan), notifier.opened(patron, loan, receipt=False))
    [mail] = notifier.mail.mails
    assert mail["from"] == "KøgeBibliotekerne <beskeder@koege.example>"
    assert notifier.mail.recipients == [f"p{patron}@example.org"]
    assert mail["subject"] == "Kvittering for lån"
    text = mail.get_content()
    assert "Kære Test Testesen" in text
    assert "Æblerne »på« Ærø" in text
    assert "29. marts 2100" in text
    line = await notifier.line(patron)
    assert (line["kind"], line["channel"], line["state"], line["language"]) == ("receipt", "email", "sent", "da")
    assert line["body"] == text.replace("\r\n", "\n")
    assert mail["message-id"] == f"<{line['message_id']}@koege.example>"
    [sent] = await notifier.recorded("MessageSent")
    [clock] = sent["data"]["clocks"]
    assert (clock["record_class"], clock["record_id"]) == ("message-body", line["message_id"])
    assert clock["anchor"][:16] == line["sent_at"][:16] == "2100-03-01T12:00"


async def test_each_kind_is_written_in_both_languages(notifier: Notifier) -> None:
    for language in ("da", "en"):
        patron = notifier.peers.patron(STRUER, language=language, sms=None)
        sms = notifier.peers.patron(STRUER, language=language, email=None, sms="+4520304050")
        for who in (patron, sms):
            loan, back = (
                notifier.peers.loan(who),
                notifier.peers.loan(who, returned_at=notifier.clock.now().isoformat()),
            )
            reservation, debt = notifier.peers.reservation(who), notifier.peers.debt(who, balance=10050)
            events = [
                notifier.opened(who, loan),
                notifier.returned(who, back),
                notifier.ready(who, reservation),
                notifier.due_soon(who, loan),
                notifier.overdue(who, loan, reminder=2),
                notifier.raised(who, debt),
            ]
            await notifier.tell(*[event.model_copy(update={"source": f"/loan-api/{STRUER}"}) for event in events])
    subjects = {mail["subject"] for mail in notifier.mail.mails}
    assert subjects == {
        "Kvittering for lån",
        "Kvittering for aflevering",
        "Din reservering er klar til afhentning",
        "Husk at aflevere senest 29. marts 2100",
        "Afleveringsfristen er overskredet",
        "Opgørelse af mellemværender",
        "Receipt for your loan",
        "Receipt for your return",
        "Your reservation is ready",
        "Please return or renew by 29 March 2100",
        "Your loans are overdue",
        "Statement of what you owe",
    }
    assert len(notifier.sms.texts) == 12
    assert all("{" not in text and "  " not in text for text in [*notifier.mail.texts(), *notifier.sms.texts])
    assert any("100,50 kr. (af 299,50 kr.)" in text for text in notifier.mail.texts())
    assert any("DKK 100.50 (of DKK 299.50)" in text for text in notifier.mail.texts())
    assert any("rykker nr. 2" in text for text in notifier.mail.texts())


async def test_a_ready_reservation_goes_by_both_channels_and_others_by_mail(notifier: Notifier) -> None:
    patron = notifier.peers.patron(sms="+4520304050")
    await notifier.tell(notifier.ready(patron, notifier.peers.reservation(patron)))
    await notifier.tell(notifier.due_soon(patron, notifier.peers.loan(patron)))
    assert sorted((line["kind"], line["channel"], line["state"]) for line in await notifier.overview(patron)) == [
        ("due-soon", "email", "sent"),
        ("reservation-ready", "email", "sent"),
        ("reservation-ready", "sms", "sent"),
    ]
    [sms] = notifier.sms.texts
    assert sms == "KøgeBibliotekerne: Sult er klar på Køge Bibliotek, nr. 17. Hent senest 8. marts 2100."
    assert "Afhentningsnummer: 17" in notifier.mail.texts()[0]


async def test_an_sms_with_too_many_titles_says_how_many(notifier: Notifier) -> None:
    patron = notifier.peers.patron(email=None, sms="+4520304050")
    await notifier.tell(notifier.overdue(patron, *[notifier.peers.loan(patron) for _ in range(60)]))
    assert notifier.sms.texts == ["KøgeBibliotekerne: Afleveringsfristen den 29. marts 2100 er overskredet: 60 lån."]


async def test_a_letter_is_set_out_as_a_letter(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    await notifier.tell(notifier.due_soon(patron, *[notifier.peers.loan(patron, title) for title in ("Sult", "Pan")]))
    body = (await notifier.line(patron))["body"]
    assert body.startswith("Kære Test Testesen\n\nDisse lån skal afleveres eller fornyes senest 29. marts 2100:\n- ")
    assert "- Pan (Nørgaard)\n" in body
    assert "\n\nVenlig hilsen\nKøgeBibliotekerne\n\nDu kan ikke svare" in body
    assert "\n\n\n" not in body


async def test_an_event_twice_sends_one_mail(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    event = notifier.opened(patron, notifier.peers.loan(patron))
    await notifier.tell(event, event)
    await notifier.tell(event)
    assert len(notifier.mail.mails) == 1
    notifier.clock.travel(days(29))
    await notifier.tell(event)
    notifier.clock.travel(days(2))
    [forget] = [task for task in notifier.runtime.tasks if task.name == "forget-events"]
    assert await forget.pass_once() == 1
    await notifier.tell(event)
    assert len(notifier.mail.mails) == 1


async def test_a_batch_asks_each_peer_once_and_uses_few_connections(notifier: Notifier) -> None:
    patrons = [notifier.peers.patron() for _ in range(120)]
    await notifier.tell(*[notifier.opened(patron, notifier.peers.loan(patron)) for patron in patrons])
    assert len(notifier.mail.mails) == 120
    assert notifier.peers.questions == {"/contacts/resolve": 1, "/titles/resolve": 1}
    assert notifier.mail.connections <= 4
    assert sorted(notifier.mail.recipients) == sorted(f"p{patron}@example.org" for patron in patrons)


async def test_what_was_withdrawn_while_it_waited_is_not_used(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    bystander = notifier.peers.patron()
    await notifier.hear(*[notifier.opened(who, notifier.peers.loan(who)) for who in (patron, bystander)])
    notifier.peers.contacts[patron]["email"] = None
    await notifier.send()
    line = await notifier.line(patron)
    assert (line["state"], line["reason"], line["body"]) == ("suppressed", "no-permitted-address", None)
    assert notifier.mail.recipients == [f"p{bystander}@example.org"]
    [event] = await notifier.recorded("MessageSuppressed")
    assert event["data"]["reason"] == "no-permitted-address"
    assert await notifier.count("delivery") == 0
    assert await notifier.count("message_subject") == 1


async def test_a_changed_address_is_the_one_that_is_used(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    notifier.mail.answers_to_data.append("451 later")
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    notifier.peers.contacts[patron]["email"] = "new@example.org"
    await notifier.be_patient()
    await notifier.send()
    assert notifier.mail.recipients == ["new@example.org"]


async def test_h42_nothing_is_sent_to_the_dead(notifier: Notifier) -> None:
    patron = notifier.peers.patron(deceased=True)
    await notifier.tell(notifier.overdue(patron, notifier.peers.loan(patron)))
    assert not notifier.mail.mails
    assert (await notifier.line(patron))["reason"] == "deceased"


async def test_h45_a_protected_patron_is_named_nowhere_and_no_title_either(notifier: Notifier) -> None:
    patron = notifier.peers.patron(name=None, protected=True, sms="+4520304050")
    await notifier.tell(
        notifier.ready(patron, notifier.peers.reservation(patron)),
        notifier.due_soon(patron, notifier.peers.loan(patron)),
        notifier.raised(patron, notifier.peers.debt(patron)),
    )
    texts = [*notifier.mail.texts(), *notifier.sms.texts]
    assert len(texts) == 4
    assert not any(word in text for text in texts for word in ("Sult", "Rejsen", "Nørgaard", "Testesen"))
    assert all("Kære låner" in text for text in notifier.mail.texts())


async def test_an_english_patron_of_a_danish_library_is_written_to_in_danish(notifier: Notifier) -> None:
    here = notifier.peers.patron(KOEGE, language="en")
    there = notifier.peers.patron(RANDERS, language="en")
    await notifier.tell(
        notifier.opened(here, notifier.peers.loan(here)),
        notifier.opened(there, notifier.peers.loan(there), agency=RANDERS),
    )
    assert {mail["subject"] for mail in notifier.mail.mails} == {"Kvittering for lån", "Receipt for your loan"}
    assert (await notifier.line(here))["language"] == "da"
    assert (await notifier.line(there, agency=RANDERS))["language"] == "en"


async def test_the_note_is_printed_on_the_statement_where_the_library_says_so(notifier: Notifier) -> None:
    for agency in (KOEGE, RANDERS):
        patron = notifier.peers.patron(agency, patron_note="Spørg i skranken.")
        await notifier.tell(notifier.raised(patron, notifier.peers.debt(patron), agency=agency))
        await notifier.tell(notifier.raised(patron, notifier.peers.debt(patron), agency=agency, kind="fee"))
    assert ["Spørg i skranken." in text for text in notifier.mail.texts()] == [False, True]
    assert all("I alt: 299,50 kr." in text for text in notifier.mail.texts())


@pytest.mark.parametrize("number", ["610101-0001", "6101010001", "610101 0001", "610101\u20130001"])
async def test_a_cpr_number_goes_into_no_message(notifier: Notifier, number: str) -> None:
    patron = notifier.peers.patron(RANDERS, patron_note=f"Vi har dit kort, {number}.")
    await notifier.tell(notifier.raised(patron, notifier.peers.debt(patron), agency=RANDERS))
    assert not notifier.mail.mails
    line = await notifier.line(patron, agency=RANDERS)
    assert (line["state"], line["reason"], line["body"]) == ("failed", "cpr-in-text", None)
    assert [event["data"]["reason"] for event in await notifier.recorded("MessageFailed")] == ["cpr-in-text"]


async def test_what_is_no_longer_so_is_not_said(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    kept, renewed, returned, gone = (notifier.peers.loan(patron, f"Titel {number}") for number in range(4))
    await notifier.hear(notifier.due_soon(patron, kept, renewed, returned, gone), notifier.due_soon(patron, gone))
    notifier.peers.records["loan"][renewed]["due_on"] = "2100-04-29"
    notifier.peers.records["loan"][returned]["returned_at"] = notifier.clock.now().isoformat()
    del notifier.peers.records["loan"][gone]
    await notifier.send()
    [text] = notifier.mail.texts()
    assert [f"Titel {number}" in text for number in range(4)] == [True, False, False, False]
    assert await notifier.runtime.database.fetchval("SELECT array_agg(record_id) FROM message_subject") == [kept]
    assert {line["state"]: line["reason"] for line in await notifier.overview(patron)} == {
        "sent": None,
        "suppressed": "no-longer-so",
    }


async def test_a_record_of_another_patron_is_never_spoken_of(notifier: Notifier) -> None:
    patron, other = notifier.peers.patron(), notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(other)))
    assert not notifier.mail.mails


async def test_h30_the_patron_is_told_that_the_list_goes(notifier: Notifier) -> None:
    by_mail, by_sms = notifier.peers.patron(), notifier.peers.patron(email=None, sms="+4520304050")
    elsewhere = notifier.peers.patron(STRUER)
    for patron, agency in ((by_mail, KOEGE), (by_sms, KOEGE), (elsewhere, STRUER)):
        ended = ConsentWithdrawn(patron_id=patron, purpose=HOMEBOUND_HISTORY, version=2)
        event = notifier.event(ended, patron, agency=agency)
        other = notifier.event(ConsentWithdrawn(patron_id=patron, purpose="sms"), patron, agency=agency)
        await notifier.tell(event, event, other)
    [mail] = notifier.mail.mails
    assert mail["subject"] == "Din liste over lånte værker slettes"
    assert "er ophørt" in mail.get_content()
    line = await notifier.line(by_mail)
    assert (line["kind"], line["state"], line["body"]) == (
        "consent-ended",
        "sent",
        mail.get_content().replace("\r\n", "\n"),
    )
    assert "listen over det, du har lånt, slettes straks" in (await notifier.line(by_sms))["body"]
    assert await notifier.overview(elsewhere, agency=STRUER) == [], "a library without the scheme says nothing of it"


def test_h30_in_english_too() -> None:
    identity = load_agencies(AGENCIES)[STRUER].identity
    job = Job(1, STRUER, 2, "consent-ended", None, 0, START, "", None, None, 0, ())
    contact = ReachablePatron(
        patron_id=2,
        agency=STRUER,
        language="en",
        name="Test",
        protected=False,
        deceased=False,
        email=None,
        sms=None,
        patron_note=None,
    )
    letter = Letter(job, identity, contact, "en", [], titles_left_out=False, note=None)
    assert render(letter, "mail").subject == "Your list of borrowed works is being deleted"
    assert "has ended" in render(letter, "sms").body
