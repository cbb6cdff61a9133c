"""Reminders: each once, the latest only, and none to groups without them."""

from datetime import timedelta

import pytest

KOEGE = "DK-725900"
DAY = timedelta(days=1)


@pytest.fixture
async def lent(library):
    patron, items = library.make_patron(), await library.make_items(2)
    loans = [(await library.lend(patron, item))["loan_id"] for item in items]
    await library.events()
    return patron, sorted(loans), items


async def told(library):
    await library.pass_calendar()
    return [
        (event["data"]["patron_id"], event["data"]["loan_ids"], event["data"].get("reminder"))
        for event in await library.events("LoanDueSoon", "LoanOverdue")
    ]


async def test_due_soon_is_told_once_per_patron_and_date(library, lent):
    patron, loans, _items = lent
    days = library.app.state.lending[KOEGE].due_soon_days
    library.clock.travel((28 - days - 1) * DAY)
    assert await told(library) == []
    library.clock.travel(DAY)
    assert await told(library) == [(patron, loans, None)]
    assert await told(library) == []


async def test_a_new_due_date_is_told_anew(library, lent):
    patron, loans, _items = lent
    library.clock.travel(27 * DAY)
    assert await told(library) == [(patron, loans, None)]
    assert (await library.call("POST", f"/loans/{loans[0]}/renewal")).status_code == 200
    library.clock.travel(DAY)
    assert await told(library) == []
    library.clock.travel(25 * DAY)
    assert (patron, [loans[0]], None) in await told(library)


async def test_each_reminder_comes_on_its_day(library, lent):
    patron, loans, _items = lent
    days = library.app.state.lending[KOEGE].reminder_days
    library.clock.travel(28 * DAY)
    await told(library)
    assert await told(library) == []
    passed = 0
    for number, day in enumerate(days, 1):
        library.clock.travel((day - passed) * DAY)
        passed = day
        assert await told(library) == [(patron, loans, number)]
        assert await told(library) == []


async def test_after_a_long_pause_only_the_latest_reminder_is_given(library, lent):
    patron, loans, _items = lent
    library.clock.travel((28 + 30) * DAY)
    assert await told(library) == [(patron, loans, len(library.app.state.lending[KOEGE].reminder_days))]
    assert await told(library) == []


async def test_what_is_returned_is_not_reminded_of(library, lent):
    _patron, _loans, items = lent
    await library.take_back(items[0])
    library.clock.travel(29 * DAY)
    [(_, named, _)] = await told(library)
    assert len(named) == 1


async def test_groups_without_reminders_get_none(library):
    agency, group = next(
        (
            (isil, name)
            for isil, rules in library.app.state.lending.items()
            for name, group in rules.groups.items()
            if not group.reminders
        ),
        (None, None),
    )
    assert agency is not None, "no group without reminders in deploy/agencies"
    patron, [item] = library.make_patron(agency, patron_group=group), await library.make_items(agency=agency)
    await library.lend(patron, item, agency)
    library.clock.travel(150 * DAY)
    assert await told(library) == []
