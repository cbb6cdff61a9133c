"""The keys of bodies: made before they are needed, gone when their body is, and nobody else's."""

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from glem_retention.runtime import Runtime
from notifier.keys import Keys, Place, seal, unseal
from notifier.messages import actions, store
from notifier.messages.actions import keys_of
from tests.notifier.conftest import START, Notifier, days

DAY = date(2100, 3, 1)
KEY = bytes(range(32))


def make_keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "below" / "keys")


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*.keys")))


def test_what_is_sealed_opens_with_its_key_and_for_its_message_only():
    sealed = seal(KEY, 7, "Kvittering æøå", "Du har lånt: Sult")
    assert unseal(KEY, 7, sealed) == ("Kvittering æøå", "Du har lånt: Sult")
    assert unseal(KEY, 8, sealed) is None
    assert unseal(bytes(32), 7, sealed) is None
    assert unseal(None, 7, sealed) is None
    assert unseal(KEY, 7, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None


def test_the_same_text_is_never_sealed_the_same():
    first, second = seal(KEY, 7, "a", "Sult"), seal(KEY, 7, "a", "Sult")
    assert first != second
    assert b"Sult" not in first + second


async def test_keys_differ_and_are_found_where_they_were_put(tmp_path: Path):
    keys = make_keys(tmp_path)
    made = [*await keys.make(DAY, 3), *await keys.make(DAY, 2), *await keys.make(DAY + timedelta(days=1), 1)]
    assert len({key for _, key in made}) == len({place for place, _ in made}) == 6
    assert await keys.find([place for place, _ in made]) == dict(made)
    assert await keys.pages() == [DAY, DAY + timedelta(days=1)]
    assert await keys.find([Place(DAY, 99), Place(date(2099, 1, 1), 0)]) == {}


async def test_only_their_owner_reads_them(tmp_path: Path):
    await make_keys(tmp_path).make(DAY, 1)
    folder = tmp_path / "below" / "keys"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


async def test_a_destroyed_key_is_overwritten_in_place_and_its_neighbours_stay(tmp_path: Path):
    keys = make_keys(tmp_path)
    (first, one), (second, other), (third, last) = await keys.make(DAY, 3)
    file = next((tmp_path / "below" / "keys").iterdir())
    before = file.stat()
    for _ in range(2):
        await keys.destroy([second, Place(date(2099, 1, 1), 0), Place(DAY, 77)])
    assert await keys.find([first, second, third]) == {first: one, third: last}
    assert other not in file.read_bytes()
    assert (file.stat().st_ino, file.stat().st_size) == (before.st_ino, before.st_size)


async def test_many_at_once_get_keys_of_their_own(tmp_path: Path):
    made = await asyncio.gather(*(make_keys(tmp_path).make(DAY, 20) for _ in range(20)))
    places = [place for keys in made for place, _ in keys]
    assert sorted(place.slot for place in places) == list(range(400))
    assert await make_keys(tmp_path).find(places) == dict(pair for keys in made for pair in keys)


async def test_a_page_torn_by_a_power_cut_is_gone_on_with(tmp_path: Path):
    keys = make_keys(tmp_path)
    [(first, one)] = await keys.make(DAY, 1)
    file = next((tmp_path / "below" / "keys").iterdir())
    with file.open("ab") as page:
        page.write(b"x" * 5)
    [(second, other)] = await keys.make(DAY, 1)
    assert (second.slot, await keys.find([first, second])) == (2, {first: one, second: other})


async def test_a_page_that_nobody_needs_is_removed(tmp_path: Path):
    keys = make_keys(tmp_path)
    (kept, one), *_ = await keys.make(DAY, 3)
    assert await keys.destroy_besides(DAY, [kept.slot]) == 2
    assert await keys.find([kept]) == {kept: one}
    assert await keys.destroy_besides(DAY, []) == 1
    assert await keys.pages() == []


async def place_of_only_body(runtime: Runtime) -> Place:
    row = await runtime.database.fetchrow("SELECT key_page, key_slot FROM message_body")
    return Place(row["key_page"], row["key_slot"])


async def test_the_database_holds_no_text_and_the_overview_shows_it(notifier: Notifier):
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron, "Rejsen til Saturn")))
    content = await notifier.runtime.database.fetchval("SELECT content FROM message_body")
    assert b"Saturn" not in content
    assert "Rejsen til Saturn" in (await notifier.line(patron))["body"]


async def test_the_key_goes_with_the_body_and_the_bystander_s_stays(notifier: Notifier, tmp_path: Path):
    patron, bystander = notifier.peers.patron(), notifier.peers.patron()
    loan = notifier.peers.loan(patron)
    await notifier.tell(notifier.opened(patron, loan))
    place = await place_of_only_body(notifier.runtime)
    content = await notifier.runtime.database.fetchval("SELECT content FROM message_body")
    keys = await keys_of(notifier.runtime)
    [key] = (await keys.find([place])).values()
    await notifier.tell(notifier.opened(bystander, notifier.peers.loan(bystander)))
    message_id = (await notifier.line(patron))["message_id"]
    assert unseal(key, message_id, content) is not None
    await notifier.hear(notifier.loans_erased(loan))
    assert await notifier.count("spent_key") == 1
    assert await actions.destroy_spent_keys(notifier.runtime) == 1
    assert await actions.destroy_spent_keys(notifier.runtime) == await notifier.count("spent_key") == 0
    assert key not in bytes_of(tmp_path / "keys")
    assert unseal((await keys.find([place])).get(place), message_id, content) is None, (
        "an old backup's row is of no use"
    )
    assert (await notifier.line(bystander))["body"]


@pytest.mark.parametrize("how", ["due", "patron"])
async def test_every_way_that_a_body_goes_takes_its_key(notifier: Notifier, tmp_path: Path, how: str):
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    keys = await keys_of(notifier.runtime)
    place = await place_of_only_body(notifier.runtime)
    [key] = (await keys.find([place])).values()
    if how == "due":
        notifier.clock.travel(days(30))
        await notifier.order("message-body", (await notifier.line(patron))["message_id"])
    else:
        await notifier.hear(notifier.patron_erased(patron))
    await actions.destroy_spent_keys(notifier.runtime)
    assert key not in bytes_of(tmp_path / "keys")


async def test_a_key_that_could_not_be_overwritten_is_tried_again(
    notifier: Notifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    patron = notifier.peers.patron()
    loan = notifier.peers.loan(patron)
    await notifier.tell(notifier.opened(patron, loan))
    await notifier.hear(notifier.loans_erased(loan))
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no disk"):
            await actions.destroy_spent_keys(notifier.runtime)
    assert await notifier.count("spent_key") == 1
    assert await actions.destroy_spent_keys(notifier.runtime) == 1
    assert set(bytes_of(tmp_path / "keys")) == {0}


def fail(_: int) -> None:
    raise OSError("no disk")


async def test_nothing_is_handed_over_whose_text_could_not_be_kept(notifier: Notifier, tmp_path: Path):
    patron = notifier.peers.patron()
    (tmp_path / "keys").write_text("a file stands where the folder should be")
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    line = await notifier.line(patron)
    assert (line["state"], line["reason"], notifier.mail.mails) == ("queued", "keys-away", [])
    (tmp_path / "keys").unlink()
    await notifier.be_patient()
    await notifier.send()
    assert (await notifier.line(patron))["body"]


async def test_keys_without_a_body_go_when_their_day_is_over(notifier: Notifier, tmp_path: Path):
    patron = notifier.peers.patron()
    keys = await keys_of(notifier.runtime)
    await keys.make(START.date(), 5)
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    assert await actions.tidy_keys(notifier.runtime) == 0, "a transaction in hand may be about to use them"
    notifier.clock.travel(days(3))
    assert await actions.tidy_keys(notifier.runtime) == 5
    assert (await notifier.line(patron))["body"]
    await notifier.hear(notifier.patron_erased(patron))
    await actions.destroy_spent_keys(notifier.runtime)
    await actions.tidy_keys(notifier.runtime)
    assert list((tmp_path / "keys").rglob("*.keys")) == []


async def test_another_database_has_other_keys(notifier: Notifier, tmp_path: Path):
    patron = notifier.peers.patron()
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    await notifier.runtime.database.execute("UPDATE key_book SET name = 'elsewhere'")
    notifier.clock.travel(days(9))
    assert await actions.tidy_keys(notifier.runtime) == 0
    assert any(bytes_of(tmp_path / "keys")), "what a strange database does not know of stays"
    line = await notifier.line(patron)
    assert (line["state"], line["body"]) == ("sent", None)
    assert await store.slots_in_use(notifier.runtime.database, START.date()) == [0]


async def test_pages_are_days_in_utc(notifier: Notifier):
    patron = notifier.peers.patron()
    notifier.clock.travel(datetime(2100, 3, 1, 23, 30, tzinfo=UTC) - START)
    await notifier.tell(notifier.opened(patron, notifier.peers.loan(patron)))
    assert (await place_of_only_body(notifier.runtime)).page == DAY
