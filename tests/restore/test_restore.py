"""A database that came back from a backup: nothing that was erased since is served, or stays."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedded.cli import app
from tests.restore.drill import Drill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DAY = timedelta(days=1)
LENDING = (("loan", "loan", "loan_id"), ("debt", "debt", "debt_id"), ("reservation", "reservation", "reservation_id"))


@pytest.mark.parametrize("into_new", [False, True], ids=["into the same database", "into a new database"])
async def test_h78_a_restored_loan_database_serves_when_what_was_erased_is_gone_again(drill: Drill, *, into_new: bool):
    library = drill.library
    patron, bystander = await library.register(), await library.register()
    late, lent, kept = await library.import_works(3)
    loan = (await library.check_out(patron, late, receipt=True))["loan_id"]
    still_open = (await library.check_out(patron, lent))["loan_id"]
    other = (await library.check_out(bystander, kept, receipt=True))["loan_id"]
    [place] = [
        await library.ask(
            "POST", "loan-api", "/reservations", "librarian", {"patron_id": who.patron_id, "work_id": work}
        )
        for who, work in ((patron, f"870970-basis:{kept[1:]}"),)
    ]
    stays = await library.ask(
        "POST",
        "loan-api",
        "/reservations",
        "librarian",
        {"patron_id": bystander.patron_id, "work_id": f"870970-basis:{late[1:]}"},
    )
    await library.suite.travel(33 * DAY)
    [debt] = (await library.check_in(late))["debts"]
    backup = await drill.dump("loan-api")

    owed = (await library.debts(patron))["balance"]
    order = {"order_id": "drill", "patron_id": patron.patron_id, "amount": owed}
    await library.ask("POST", "loan-api", "/payments", "librarian", order)
    await library.check_in(lent)
    await library.ask("DELETE", "loan-api", f"/reservations/{place['reservation_id']}", "librarian")
    await library.suite.travel(31 * DAY)
    for record_class, record_id in (("loan", loan), ("loan", still_open), ("debt", debt["debt_id"])):
        await library.gone(record_class, record_id)
    await library.gone("reservation", place["reservation_id"])

    await drill.restore("loan-api", backup, into_new=into_new)
    await drill.start()
    assert drill.said("database_restored")
    assert await drill.erased_again("loan-api") >= 4
    assert await drill.back("loan-api", *LENDING) == []
    assert not await library.rows("loan-api", "SELECT FROM debt_entry WHERE debt_id = $1", debt["debt_id"])
    assert [row["loan_id"] for row in await library.rows("loan-api", "SELECT loan_id FROM loan")] == [other]
    [queued] = await library.rows("loan-api", "SELECT reservation_id FROM reservation")
    assert queued["reservation_id"] == stays["reservation_id"]
    assert (await library.debts(patron))["balance"] == 0
    assert (await library.check_out(patron, lent))["loan_id"]
    assert (await library.check_in(kept))["loan"]["loan_id"] == other
    owed = (await library.debts(bystander))["balance"]
    order = {"order_id": "after", "patron_id": bystander.patron_id, "amount": owed}
    await library.ask("POST", "loan-api", "/payments", "librarian", order)
    await library.suite.travel(31 * DAY)
    await library.gone("loan", other)

    await drill.stop()
    await drill.start()
    assert await drill.erased_again("loan-api") == 0


async def test_h80_a_restored_patron_database_brings_back_neither_contacts_nor_cards_nor_patrons(drill: Drill):
    library = drill.library
    patron, bystander = await library.register(), await library.register()
    card = await library.ask(
        "POST",
        "patron-api",
        f"/patrons/{patron.patron_id}/cards",
        "librarian",
        {"kind": "library", "number": "1234567890123"},
    )
    notes = {"internal": "Ringer selv om hjemtransport", "patron": "Husk lyd"}
    await library.ask("PUT", "patron-api", f"/patrons/{patron.patron_id}/notes", "librarian", notes)
    untouched = "SELECT contact_id, value FROM contact WHERE patron_id = $1 ORDER BY contact_id"
    before = [tuple(row) for row in await library.rows("patron-api", untouched, bystander.patron_id)]
    backup = await drill.dump("patron-api")

    fresh = {"phones": [], "emails": [{"address": "ny@example.dk", "receives": True}]}
    await library.ask("PUT", "patron-api", f"/patrons/{patron.patron_id}/contacts", "librarian", fresh)
    await library.ask("DELETE", "patron-api", f"/patrons/{patron.patron_id}/cards/{card['card_id']}", "librarian")
    await library.ask(
        "PUT", "patron-api", f"/patrons/{patron.patron_id}/notes", "librarian", {"internal": None, "patron": None}
    )
    await library.gone("card", card["card_id"])
    [version] = await library.rows("loan-api", "SELECT version FROM borrower WHERE patron_id = $1", bystander.patron_id)

    await drill.restore("patron-api", backup, into_new=True)
    await drill.start()
    assert drill.said("database_restored")
    where = (("contact", "contact", "contact_id"), ("card", "card", "card_id"))
    assert await drill.back("patron-api", *where, ("internal-note", "note", "note_id")) == []
    assert await drill.back("patron-api", ("patron-note", "note", "note_id"), ("patron", "patron", "patron_id")) == []
    assert await drill.erased_again("patron-api") >= 5
    assert [tuple(row) for row in await library.rows("patron-api", untouched, bystander.patron_id)] == before
    await library.log_in("bystander", bystander.cpr, bystander.pin)
    blocked = {"code": "O", "reason": "prøve"}
    await library.ask("POST", "patron-api", f"/patrons/{bystander.patron_id}/blocks", "librarian", blocked)

    async def lending_knows():
        rows = await library.rows(
            "loan-api", "SELECT version, blocks FROM borrower WHERE patron_id = $1", bystander.patron_id
        )
        return rows[0]["version"] > version["version"] and rows[0]["blocks"] == ["O"]

    await library.eventually(lending_knows, "lending follows the patrons of the backup")


async def test_h78_a_restored_notifier_sends_nothing_again_and_shows_no_text_of_what_is_gone(drill: Drill):
    library = drill.library
    patron, bystander = await library.register(), await library.register()
    item, other = await library.import_works(2)
    loan = (await library.check_out(patron, item, receipt=True))["loan_id"]
    await library.check_out(bystander, other, receipt=True)

    async def both_told():
        rows = await library.rows("notifier", "SELECT count(*) FROM message_body")
        return rows[0]["count"] >= 2

    await library.eventually(both_told, "both receipts are sent")
    backup = await drill.dump("notifier")
    await library.check_in(item)
    await library.suite.travel(31 * DAY)
    await library.gone("loan", loan)

    async def bodies_gone():
        return not await library.rows("notifier", "SELECT FROM message_body")

    await library.eventually(bodies_gone, "the texts are gone")
    mails = len(library.suite.mail.newest)

    await drill.restore("notifier", backup, into_new=False)
    await drill.start()
    assert drill.said("database_restored")
    assert await drill.back("notifier", ("message-body", "message_body", "message_id")) == []
    assert not await library.rows("notifier", "SELECT FROM message_body")
    assert all(line["body"] is None for line in await library.messages(patron))
    assert len(library.suite.mail.newest) == mails
    assert not await library.rows("notifier", "SELECT FROM delivery")


async def test_h78_files_copied_back_are_recognised_and_what_is_due_goes_again(drill: Drill):
    library = drill.library
    patron = await library.register()
    item, other = await library.import_works(2)
    loan = (await library.check_out(patron, item))["loan_id"]
    kept = (await library.check_out(patron, other))["loan_id"]
    await library.check_in(item)
    await drill.stop()
    drill.copy_files("copy")
    await drill.start()
    await library.suite.travel(31 * DAY)
    await library.gone("loan", loan)
    await drill.stop()
    drill.bring_files_back("copy")

    await drill.start()
    recognised = [line for line in drill.log().splitlines() if '"database_restored_and_cleared"' in line]
    # The others had erased nothing since: a database that told nothing has nothing to bring back.
    assert any('"loan-api"' in line for line in recognised)
    assert any('"retention-worker"' in line for line in recognised)
    await library.gone("loan", loan)
    assert await drill.back("loan-api", *LENDING) == []
    assert [row["loan_id"] for row in await library.rows("loan-api", "SELECT loan_id FROM loan")] == [kept]


async def test_h78_a_restored_register_regains_its_lines_and_its_log_is_found_to_be_another(
    drill: Drill, tmp_path: Path
):
    library = drill.library
    patron = await library.register()
    item, other = await library.import_works(2)
    loan = (await library.check_out(patron, item))["loan_id"]
    second = (await library.check_out(patron, other))["loan_id"]
    await library.check_in(item)
    await library.suite.travel(5 * DAY)
    await library.check_in(other)
    await library.suite.travel(26 * DAY)
    await library.gone("loan", loan)
    wish = {"patron_id": patron.patron_id, "work_id": f"870970-basis:{item[1:]}"}
    await library.check_out(await library.register(), item)
    place = await library.ask("POST", "loan-api", "/reservations", "librarian", wish)
    backup = await drill.dump("retention-worker")
    await library.ask("DELETE", "loan-api", f"/reservations/{place['reservation_id']}", "librarian")
    await library.gone("reservation", place["reservation_id"])
    await library.suite.travel(5 * DAY)
    await library.gone("loan", second)
    lines = {name: set(await library.registered(name)) for name in ("loan", "reservation", "contact")}
    size = sum(map(len, lines.values()))

    async def signed():
        head = await library.ask("GET", "retention-worker", "/log/head", "dpo")
        return head if head["size"] >= size else None

    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(await library.eventually(signed, "the head covers all")))

    await drill.restore("retention-worker", backup, into_new=True)
    await drill.start()
    assert drill.said("database_restored")
    await library.gone("loan", second)
    assert {name: set(await library.registered(name)) for name in lines} == lines
    assert not await library.rows("retention-worker", "SELECT FROM clock WHERE record_id = $1", second)
    # A receipt of what went at once is of a salt that nobody kept: the new line cannot be the old one.
    answer = CliRunner().invoke(app, ["verify", "--head", str(kept), "--url", library.suite.url("retention-worker")])
    assert answer.exit_code == 1, answer.output
