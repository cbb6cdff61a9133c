"""What the other services may ask."""

from datetime import timedelta

from glem_contracts.events import PatronChanged

KOEGE = "DK-725900"


async def test_titles_of_what_is_there(library):
    patron, waiting, [item] = library.make_patron(), library.make_patron(), await library.make_items()
    loan = (await library.lend(patron, item))["loan_id"]
    reservation = await library.queue(waiting, item)
    library.clock.travel(timedelta(days=31))
    [debt] = (await library.take_back(item))["debts"]
    wanted = {"loan_ids": [loan, 4711], "reservation_ids": [reservation], "debt_ids": [debt["debt_id"]]}
    titles = (await library.call("POST", "/titles/resolve", "service", "*", json=wanted)).json()
    assert [(named["loan_id"], named["title"]) for named in titles["loans"]] == [(loan, "Kongens Fald")]
    assert titles["reservations"][0]["pickup_number"] is not None
    assert (titles["debts"][0]["titles"], titles["debts"][0]["patron_id"]) == (["Kongens Fald"], patron)


async def test_the_standing_of_a_patron(library):
    patron, [first, second] = library.make_patron(), await library.make_items(2)
    await library.lend(patron, first)
    await library.charge(patron, 500)
    [other] = await library.make_items()
    await library.queue(patron, other)
    standing = await library.call("GET", f"/patrons/{patron}/standing", "service", "*")
    assert standing.json() == {"open_loans": 1, "open_debts": 1, "reservations": 1}
    assert await library.item_state(second) == "available"


async def test_an_older_snapshot_changes_nothing(library):
    patron, [item] = library.make_patron(), await library.make_items()
    await library.lend(patron, item)
    fields = {name: value for name, value in library.snapshots[patron].items() if name not in {"agency", "version"}}
    newer = PatronChanged(**fields | {"patron_group": "child"}, version=9)
    older = PatronChanged(**fields, version=8)
    for event in (newer, older, newer):
        await library.hear(event)
    group = await library.runtime.database.fetchval("SELECT patron_group FROM borrower WHERE patron_id = $1", patron)
    assert group == "child"
