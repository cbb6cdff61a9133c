"""What notifier holds of a patron, for the export (R106)."""

from datetime import datetime, timedelta

from notifier.base import metadata
from notifier.rights.rules import EVERYTHING
from tests.house.planting import plant, written
from tests.notifier.conftest import KOEGE, token


async def data(notifier, patron):
    headers = token("service", "patrons:export", agency="*")
    answer = await notifier.client.get(f"/patrons/{patron}/data", headers=headers)
    assert answer.status_code == 200, answer.text
    return {section["name"]: section for section in answer.json()}


async def test_h53_the_overview_and_the_texts_are_in_the_export(notifier):
    patron, other = notifier.peers.patron(), notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron, "Sult")))
    await notifier.tell(notifier.opened(other, notifier.peers.loan(other, "Pan")))
    found = await data(notifier, patron)
    [message] = found["message"]["rows"]
    assert (message["kind"], message["channel"], message["state"]) == ("receipt", "email", "sent")
    [text] = found["message_body"]["rows"]
    assert "Sult" in text["body"]
    assert "Pan" not in str(found)
    assert set(found["message"]["fields"]) >= {
        "kind",
        "channel",
        "state",
        "sent_at",
        "created_at",
        "language",
        "reason",
    }


async def test_h51_a_text_that_is_due_is_in_no_export(notifier):
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    notifier.clock.travel(timedelta(days=30))
    found = await data(notifier, patron)
    assert found["message_body"]["rows"] == []
    assert len(found["message"]["rows"]) == 1


async def test_a_patron_without_messages_and_a_token_without_the_scope(notifier):
    assert await data(notifier, notifier.peers.patron()) == {}
    for path in ("data", "remains"):
        refused = await notifier.client.get(
            f"/patrons/1/{path}", headers=token("librarian", "messages:read", agency=KOEGE)
        )
        assert refused.status_code == 403


async def test_every_planted_value_of_a_personal_column_is_in_the_export(notifier):
    patron, database = notifier.peers.patron(), notifier.runtime.database
    tables = metadata.tables
    message = await plant(database, tables["message"], patron_id=patron, agency=KOEGE)
    delivery = await plant(database, tables["delivery"], message_id=message["message_id"], agency=KOEGE)
    made = {"message": message, "delivery": delivery}
    text = str(await data(notifier, patron))
    times = {name: value for name, value in message.items() if isinstance(value, datetime)}
    missing = [
        f"{holding.name}.{name}"
        for holding in EVERYTHING
        for name in holding.fields
        if name not in times and not any(value in text for value in written(made[holding.name][name]))
    ]
    assert not missing, f"not in the export: {missing}"
    assert all(value.isoformat().replace("+00:00", "Z") in text for value in times.values())
