"""What happens when a gateway, a peer or the process itself goes away."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from notifier.sending import actions
from tests.notifier.conftest import Notifier, days, open_notifier


async def test_the_mail_server_away_uses_up_no_try_and_comes_back(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    notifier.mail.stop()
    await notifier.hear(notifier.opened(patron, notifier.peers.loan(patron)))
    for _ in range(7):
        await notifier.send()
        await notifier.be_patient()
    line = await notifier.line(patron)
    assert (line["state"], line["attempts"], line["reason"]) == ("queued", 0, "mail-server-unreachable")
    notifier.mail.start()
    await notifier.send()
    line = await notifier.line(patron)
    assert (line["state"], line["attempts"], line["reason"]) == ("sent", 1, None)
    assert len(notifier.mail.mails) == 1


async def test_the_sms_gateway_away_holds_up_no_mail_and_comes_back(notifier: Notifier) -> None:
    patron = notifier.peers.patron(sms="+4520304050")
    await notifier.sms.stop()
    await notifier.tell(notifier.ready(patron, notifier.peers.reservation(patron)))
    assert len(notifier.mail.mails) == 1
    await notifier.sms.start()
    await notifier.be_patient()
    await notifier.send()
    assert len(notifier.sms.texts) == 1
    assert len(notifier.mail.mails) == 1


async def test_a_gateway_away_for_days_ends_in_failure(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    notifier.mail.stop()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    notifier.clock.travel(days(4))
    await notifier.be_patient()
    await notifier.send()
    assert (await notifier.line(patron))["state"] == "failed"


async def test_a_passing_refusal_is_tried_again_five_times_in_all(notifier: Notifier) -> None:
    lucky, unlucky = notifier.peers.patron(), notifier.peers.patron()
    notifier.mail.answers_to_data.append("451 4.7.1 greylisted, nobody@example.org")
    await notifier.tell(notifier.opened(lucky, notifier.peers.loan(lucky)))
    await notifier.send()
    assert (await notifier.line(lucky))["state"] == "queued"
    await notifier.be_patient()
    await notifier.send()
    line = await notifier.line(lucky)
    assert (line["state"], line["attempts"]) == ("sent", 2)
    notifier.mail.answers_to_data.extend(["451 later"] * 9)
    await notifier.hear(notifier.opened(unlucky, notifier.peers.loan(unlucky)))
    for _ in range(9):
        await notifier.send()
        await notifier.be_patient()
    line = await notifier.line(unlucky)
    assert (line["state"], line["attempts"], line["reason"], line["body"]) == ("failed", 5, "smtp-451", None)


async def test_a_lasting_refusal_is_noted_by_its_code_only(notifier: Notifier) -> None:
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    notifier.mail.answers_to_recipient.append(f"550 5.1.1 <p{patron}@example.org> does not exist, 610101-0001")
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    await notifier.tell(notifier.opened(bystander, notifier.peers.loan(bystander)))
    line = await notifier.line(patron)
    assert (line["state"], line["reason"], line["attempts"]) == ("failed", "smtp-550", 1)
    assert len(notifier.mail.mails) == 1
    [event] = await notifier.recorded("MessageFailed")
    assert event["data"]["reason"] == "smtp-550"
    assert "example.org" not in str(await notifier.recorded("MessageFailed"))


async def test_a_refusal_in_the_middle_of_a_connection_stops_none_of_the_others(notifier: Notifier) -> None:
    notifier.runtime.settings.smtp_connections = 1  # type: ignore[attr-defined]
    patrons = [notifier.peers.patron() for _ in range(6)]
    notifier.mail.answers_to_recipient.extend(["550 no", "451 later", "421 too many"])
    await notifier.tell(*[notifier.opened(patron, notifier.peers.loan(patron)) for patron in patrons])
    states = sorted([(await notifier.line(patron))["state"] for patron in patrons])
    assert states == ["failed", "queued", "queued", "sent", "sent", "sent"]
    await notifier.be_patient()
    await notifier.send()
    assert len(notifier.mail.mails) == 5


async def test_an_sms_that_the_gateway_refuses_fails(notifier: Notifier) -> None:
    patron = notifier.peers.patron(email=None, sms="12")
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    assert (await notifier.line(patron))["reason"] == "sms-422"


async def test_an_address_that_is_none_fails_and_stops_no_other(notifier: Notifier) -> None:
    patron, bystander = notifier.peers.patron(email="a@b.dk\r\nBcc: c@d.dk"), notifier.peers.patron()
    await notifier.tell(*[notifier.opened(who, notifier.peers.loan(who)) for who in (patron, bystander)])
    assert (await notifier.line(patron))["reason"] == "bad-address"
    assert notifier.mail.recipients == [f"p{bystander}@example.org"]


async def test_h107_an_event_with_ids_that_nobody_gives_out_holds_up_no_other(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    forged = [notifier.opened(2**60, notifier.peers.loan(patron)), notifier.opened(patron, 2**60)]
    await notifier.tell(*forged, notifier.opened(patron, notifier.peers.loan(patron)))
    assert len(notifier.mail.mails) == 1
    assert await notifier.overview(2**60) == []


async def test_a_peer_away_leaves_everything_queued(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    notifier.peers.away = True
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    assert (await notifier.line(patron))["state"] == "queued"
    notifier.peers.away = False
    await notifier.be_patient()
    await notifier.send()
    line = await notifier.line(patron)
    assert (line["state"], line["attempts"]) == ("sent", 1)


async def test_a_process_that_dies_between_hand_over_and_commit_sends_again_under_the_same_name(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    patron = notifier.peers.patron(sms="+4520304050")

    async def die(*_: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patch:
        patch.setattr(actions.Sender, "_end", die)
        with pytest.raises(RuntimeError):
            await notifier.tell(notifier.ready(patron, notifier.peers.reservation(patron)))
    assert {line["state"] for line in await notifier.overview(patron)} == {"sending"}
    await notifier.send()
    assert len(notifier.mail.mails) == 1, "nothing is sent while the lease lasts"
    await notifier.be_patient()
    await notifier.send()
    assert len(notifier.mail.mails) == 2
    assert len({mail["message-id"] for mail in notifier.mail.mails}) == 1
    assert len(notifier.sms.texts) == 1
    assert {(line["state"], line["attempts"]) for line in await notifier.overview(patron)} == {("sent", 2)}
    assert b"glem_messages_resumed_total 2.0" in (await notifier.client.get("/metrics")).content


async def test_a_process_that_is_asked_to_stop_writes_its_results_first(notifier: Notifier) -> None:
    patrons = [notifier.peers.patron() for _ in range(200)]
    await notifier.hear(*[notifier.opened(patron, notifier.peers.loan(patron)) for patron in patrons])
    work = asyncio.create_task(notifier.send())
    async with asyncio.timeout(20):
        while not notifier.mail.mails:  # noqa: ASYNC110  the server runs in a thread of its own
            await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    sent = await notifier.runtime.database.fetchval("SELECT count(*) FROM message WHERE state = 'sent'")
    assert 0 < sent == len(notifier.mail.mails) < 200
    await notifier.be_patient()
    await notifier.send()
    assert sorted(notifier.mail.recipients) == sorted(f"p{patron}@example.org" for patron in patrons)


async def test_two_processes_send_each_message_once(
    notifier: Notifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patrons = [notifier.peers.patron() for _ in range(150)]
    await notifier.hear(*[notifier.opened(patron, notifier.peers.loan(patron)) for patron in patrons])
    monkeypatch.setattr(notifier.runtime.settings, "send_batch", 40)
    url = notifier.runtime.settings.database_url
    async with open_notifier(url, tmp_path, notifier.peers, notifier.mail, notifier.sms) as second:
        second.runtime.settings.send_batch = 40  # type: ignore[attr-defined]

        async def all_of(one: Notifier) -> None:
            while await one.send():
                pass

        await asyncio.gather(all_of(notifier), all_of(second))
    assert sorted(notifier.mail.recipients) == sorted(f"p{patron}@example.org" for patron in patrons)


async def test_an_agency_sends_the_kinds_that_it_lists(
    fresh_agencies: Callable[[str, str], Path], notifier: Notifier, tmp_path: Path
) -> None:
    folder = fresh_agencies('kinds = ["receipt", ', "kinds = [")
    url = notifier.runtime.settings.database_url
    async with open_notifier(url, tmp_path, notifier.peers, notifier.mail, notifier.sms, folder) as changed:
        patron = changed.peers.patron()
        await changed.tell(changed.opened(patron, changed.peers.loan(patron)))
        await changed.tell(changed.due_soon(patron, changed.peers.loan(patron)))
        assert [line["kind"] for line in await changed.overview(patron)] == ["due-soon"]


async def test_the_queue_is_counted(notifier: Notifier) -> None:
    patron = notifier.peers.patron()
    await notifier.hear(notifier.opened(patron, notifier.peers.loan(patron)))
    notifier.clock.travel(timedelta(minutes=2))
    [watch] = [task for task in notifier.runtime.tasks if task.name == "watch-queue"]
    await watch.pass_once()
    figures = (await notifier.client.get("/metrics")).text
    assert "glem_messages_waiting 1.0" in figures
    assert "glem_messages_oldest_seconds 120.0" in figures
    await notifier.send()
    figures = (await notifier.client.get("/metrics")).text
    assert 'glem_messages_total{channel="email",kind="receipt",state="sent"} 1.0' in figures
