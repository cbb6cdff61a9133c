"""What must hold for every record class; each check raises AssertionError with a text that says what to do.

`test_conformance` runs them, and `test_faults` tries them: with one part of a class taken away, a check must fail.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glem_contracts.record_classes import RECORD_CLASSES, Way
from tests.conformance.planting import ENDINGS, PLANTERS, Planted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from tests.conformance.house import House

HOUR = timedelta(hours=1)
GUIDE = "docs/adding-a-record-class.md"
# Where a record of a class with a disposal of its own is: table, key, and when it counts as there.
OWN = {
    "loan": ("loan", "loan_id", "TRUE"),
    "debt": ("debt", "debt_id", "NOT redacted"),
    "debt-amount": ("debt", "debt_id", "TRUE"),
    "reservation": ("reservation", "reservation_id", "TRUE"),
    "message-body": ("message_body", "message_id", "TRUE"),
    "message-envelope": ("message", "message_id", "TRUE"),
}
# The catalogue names works to everybody, whoever has had them.
NOT_ABOUT_PERSONS = {"/loan-api/works", "/loan-api/works/{work_id}", "/loan-api/items/{barcode}"}


def clocked() -> list[str]:
    """The classes that go by the clock."""
    return [name for name, item in RECORD_CLASSES.items() if item.way is Way.CLOCK]


async def plant(house: House, record_class: str) -> Planted:
    assert record_class in PLANTERS, (
        f"{record_class}: nothing plants a record of this class; write a function with "
        f"@plants({record_class!r}) in tests/conformance/planting.py ({GUIDE})"
    )
    return await PLANTERS[record_class](house)


def where(house: House, record_class: str) -> list[tuple[str, str, str]]:
    """Table, key and condition of the records of a class."""
    if record_class in OWN:
        return [OWN[record_class]]
    kept = house.suite.apps[RECORD_CLASSES[record_class].owner].state.records
    return [(item.name, item.key, item.only) for item in kept.declared if item.record_class == record_class]


async def is_there(house: House, planted: Planted) -> bool:
    """Whether the owner's database still has the record."""
    owner = RECORD_CLASSES[planted.record_class].owner
    for table, key, condition in where(house, planted.record_class):
        statement = f"SELECT 1 FROM {table} WHERE {key} = $1 AND {condition}"
        if await house.rows(owner, statement, planted.record_id):
            return True
    return False


async def order(house: House, *planted: Planted) -> Any:
    """Send the owner an order to dispose of records, as the worker does, and return the outcome."""
    first = planted[0]
    body = {
        "disposal_id": secrets.randbelow(2**50) + 1,
        "agency": first.agency,
        "record_class": first.record_class,
        "record_ids": [one.record_id for one in planted],
    }
    owner = RECORD_CLASSES[first.record_class].owner
    answer = await house.ask(first.agency, "retention-worker", "POST", f"/{owner}/disposals", body)
    assert answer.is_success, (
        f"{first.record_class}: {owner} takes no disposal orders for it ({answer.status_code}); "
        f"declare its anchor and facts, or give it a disposer in records.py ({GUIDE})"
    )
    return answer.json()


def gone(outcome: Any) -> list[int]:
    return [*outcome["erased"], *outcome["redacted"]]


async def told_clock(house: House, record_class: str, since: int, record_id: int) -> dict[str, Any]:
    """The newest clock that the owner's events have told of a record."""
    owner = RECORD_CLASSES[record_class].owner
    clocks = [
        clock
        for event in await house.events(owner, since)
        for clock in event["data"]["clocks"]
        if (clock["record_class"], clock["record_id"]) == (record_class, record_id)
    ]
    assert clocks, (
        f"{record_class}: no event of the act told its clock; put `clocks=[…]` into the event of every action that makes "
        f"the record or moves its anchor ({GUIDE})"
    )
    return max(clocks, key=lambda clock: clock["version"])


async def check_clock_is_told(house: House, record_class: str) -> None:
    """The act that moves the anchor tells the clock, and the worker knows it."""
    since = await house.place(RECORD_CLASSES[record_class].owner)
    planted = await plant(house, record_class)
    clock = await told_clock(house, record_class, since, planted.record_id)
    assert clock["anchor"], f"{record_class}: the clock told of an ended record has no anchor"
    await house.suite.settle()
    known = await house.rows(
        "retention-worker",
        "SELECT version, anchor FROM clock WHERE record_class = $1 AND record_id = $2",
        record_class,
        planted.record_id,
    )
    assert known, f"{record_class}: the worker knows no clock of the record"
    assert known[0]["version"] == clock["version"]


async def make_due(house: House, *planted: Planted) -> None:
    """Let time pass until the records are due; the worker sleeps."""
    for one in planted:
        moment = await due_moment(house, one)
        await house.travel_to(moment)


async def due_moment(house: House, planted: Planted) -> Any:
    """When a record is due, by its owner's own tables and the agency's policy."""
    name, runtime = planted.record_class, house.runtime(planted.record_class)
    disposer = house.suite.apps[RECORD_CLASSES[name].owner].state.records.disposers().get(name)
    assert disposer is not None, f"{name}: nothing disposes of it; declare anchor and facts ({GUIDE})"
    ever = house.now.replace(year=house.now.year + 50)
    found = await disposer.overdue(runtime.database, planted.agency, ever, 100_000)
    anchors = [record.anchor for record in found if record.record_id == planted.record_id]
    assert anchors, f"{name}: the owner's audit never finds the record by its facts; correct `facts` ({GUIDE})"
    return runtime.agencies.due_at(planted.agency, name, anchors[0])


async def check_refused_when_not_due(house: House, record_class: str) -> None:
    """An order that comes too early changes nothing."""
    planted = await plant(house, record_class)
    outcome = await order(house, planted)
    assert not gone(outcome), f"{record_class}: erased before it was due"
    assert [one["reason"] for one in outcome["refused"]] == ["not-due"], outcome
    assert await is_there(house, planted)


async def check_erased_when_due(house: House, record_class: str) -> None:
    """A due record goes with a line in an event; a bystander stays; a repeated order finds it gone."""
    planted = await plant(house, record_class)
    await make_due(house, planted)
    bystander = await plant(house, record_class)
    if not (bystander.agency == planted.agency and (await due_moment(house, bystander)) > house.now):
        raise AssertionError(f"{record_class}: the bystander is due too; plant a younger one")
    owner = RECORD_CLASSES[record_class].owner
    since = await house.place(owner)
    outcome = await order(house, planted, bystander)
    assert gone(outcome) == [planted.record_id], f"{record_class}: due and not erased: {outcome}"
    assert not await is_there(house, planted), f"{record_class}: said to be gone, and still there"
    assert await is_there(house, bystander), f"{record_class}: a record that is not due went too"
    listed = [
        record_id
        for event in await house.events(owner, since)
        for erasure in event["data"]["erased"]
        if erasure["record_class"] == record_class
        for record_id in erasure["record_ids"]
    ]
    assert listed == [planted.record_id], f"{record_class}: the event of the erasure lists {listed}"
    again = await order(house, planted)
    assert again["gone"] == [planted.record_id], (
        f"{record_class}: a repeated order is not answered with `gone`: {again}"
    )


async def check_locked_is_refused_or_waits(house: House, record_class: str) -> None:
    """A record that another transaction works on is refused as locked, or the order waits for it; it never half goes."""
    planted = await plant(house, record_class)
    await make_due(house, planted)
    [(table, key, _), *_] = where(house, record_class)
    runtime = house.runtime(record_class)
    async with runtime.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"SELECT 1 FROM {table} WHERE {key} = $1 FOR UPDATE", planted.record_id)
        ordering = asyncio.create_task(order(house, planted))
        await asyncio.wait([ordering], timeout=0.5)
        await transaction.rollback()
    outcome = await ordering
    if gone(outcome):
        assert not await is_there(house, planted)
        return
    assert [one["reason"] for one in outcome["refused"]] == ["locked"], f"{record_class}: {outcome}"
    assert await is_there(house, planted)
    assert gone(await order(house, planted)) == [planted.record_id]


async def check_held_stays(house: House, record_class: str) -> None:
    """A legal hold keeps the record from the sweep; released, it goes, and the register has its line."""
    planted = await plant(house, record_class)
    due = await due_moment(house, planted)
    await house.travel_to(due - HOUR)
    hold = {
        "kind": "claim",
        "reason": "Sag om et krav",
        "ends_at": (due + 24 * HOUR).isoformat(),
        "records": [{"record_class": record_class, "record_ids": [planted.record_id]}],
    }
    placed = await house.must(planted.agency, "dpo", "POST", "/retention-worker/holds", hold)
    await make_due(house, planted)
    await house.sweep()
    assert await is_there(house, planted), f"{record_class}: erased under a legal hold"
    await house.must(planted.agency, "dpo", "POST", f"/retention-worker/holds/{placed['hold_id']}/release")
    await house.sweep()
    assert not await is_there(house, planted), f"{record_class}: still there after the hold's release"
    assert await lines(house, planted), f"{record_class}: the register has no line"


async def lines(house: House, planted: Planted) -> list[asyncpg.Record]:
    return await house.rows(
        "retention-worker",
        "SELECT outcome FROM register WHERE record_class = $1 AND record_id = $2",
        planted.record_class,
        planted.record_id,
    )


async def check_audit_agrees(house: House, record_class: str) -> None:
    """The owner's audit finds the record by its facts when it is due, and not a moment before."""
    planted = await plant(house, record_class)
    owner = RECORD_CLASSES[record_class].owner
    path = f"/{owner}/disposals/overdue?agency={planted.agency}&record_class={record_class}&limit=100000"

    async def is_found() -> bool:
        found = await house.must(planted.agency, "retention-worker", "GET", path)
        return planted.record_id in {one["record_id"] for one in found}

    assert not await is_found(), f"{record_class}: the audit finds a record that is not due"
    await make_due(house, planted)
    assert await is_found(), f"{record_class}: the audit does not find a due record; correct `facts` ({GUIDE})"


async def check_restore_replays_it(house: House, record_class: str) -> None:
    """What the register names as gone, and a backup has brought back, is erased again."""
    planted = await plant(house, record_class)
    runtime = house.runtime(record_class)
    replay = runtime.guard.restorable.erase_again.get(record_class)
    assert replay is not None, (
        f"{record_class}: a restored database would keep it; let `Records.replays()` know it ({GUIDE})"
    )
    policy = runtime.agencies.in_force(planted.agency, record_class, house.now)
    outcome = "redacted" if policy is not None and policy.action == "redact" else "erased"
    async with runtime.database.transaction() as tx:
        done = await replay(tx, planted.agency, outcome, [planted.record_id])
    assert done == 1, f"{record_class}: the replay erased {done} records"
    assert not await is_there(house, planted), f"{record_class}: still there after the replay"


async def check_erase_me_takes_it(house: House, record_class: str) -> None:
    """A patron's wish to be erased takes the record, with a line in the register."""
    planted = await plant(house, record_class)
    if not planted.patron:
        return
    await house.erase_patron(planted.agency, planted.patron)
    assert not await is_there(house, planted), (
        f"{record_class}: outlives its patron; name the patron's column ({GUIDE})"
    )
    assert await lines(house, planted), f"{record_class}: goes with its patron without a line in the register"


async def check_page_names_it(house: House, record_class: str) -> None:
    """The public policy page says what the class is, and how long or until when it is kept."""
    for agency in house.suite.agencies:
        answer = await house.http.get("/retention-worker/policies", params={"agency": agency})
        [page] = answer.json()["agencies"]
        kinds = {kind["record_class"]: kind for kind in page["kinds"]}
        assert record_class in kinds, f"{record_class}: not on the policy page; list it in record_classes.py ({GUIDE})"
        periods = {policy["record_class"] for policy in page["policies"]}
        assert record_class in periods or kinds[record_class]["until"], f"{record_class}: no period and no end is named"


async def check_export_shows_it(house: House, record_class: str) -> None:
    """While it is kept, the patron's export shows it."""
    planted = await plant(house, record_class)
    if not planted.patron:
        return
    assert seen(planted.shown, await export(house, planted)), (
        f"{record_class}: the export does not show {planted.shown!r}; name its section (`shown_as`) ({GUIDE})"
    )


async def check_act_ends_it(house: House, record_class: str) -> None:
    """A class that goes in an act is deleted in it, and the act's event lists it."""
    planted = await plant(house, record_class)
    await house.suite.settle()
    assert record_class in ENDINGS, (
        f"{record_class}: name the act that ends it in tests/conformance/planting.py ({GUIDE})"
    )
    await ENDINGS[record_class](house, planted)
    await house.suite.settle()
    assert not await is_there(house, planted), f"{record_class}: still there after the act that ends it"
    assert await lines(house, planted), (
        f"{record_class}: the act's event does not list it; record `erased=[…]` in its transaction ({GUIDE})"
    )


def seen(mark: str, text: str) -> bool:
    """Whether a text has the mark as a word of its own."""
    return re.search(rf"(?<![\w]){re.escape(mark)}(?![\w])", text) is not None


async def export(house: House, planted: Planted) -> str:
    """Everything the patron's export says, as JSON and as HTML."""
    who, path = f"patron-{planted.patron}", f"/patron-api/patrons/{planted.patron}"
    asked = await house.ask(planted.agency, who, "POST", f"{path}/export", {})
    if not asked.is_success:
        return ""
    answers = [
        await house.ask(planted.agency, who, "GET", f"{path}/exports/{asked.json()['export_id']}?kind={kind}")
        for kind in ("json", "html")
    ]
    return "\n".join(answer.text for answer in answers)


def routes(house: House) -> list[str]:
    """Every GET route of every service, with the names of its parameters."""
    return sorted(
        f"/{service}{path}"
        for service, app in house.suite.apps.items()
        for path, methods in app.openapi()["paths"].items()
        if "get" in methods and path not in {"/metrics", "/asyncapi.json"}
    )


def filled(path: str, planted: Planted) -> str:
    """A route with the ids of a planted record in the place of its parameters."""
    values = {"patron_id": str(planted.patron), "agency": planted.agency, "kind": "json"}
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], str(planted.record_id)), path)


async def crawl(house: House, planted: Iterable[Planted], roles: Iterable[str]) -> list[str]:
    """Ask every GET route, the export and the events as each role; return where a mark was seen."""
    records, roles = list(planted), list(roles)
    answers: dict[tuple[str, str, str], str] = {}
    found: list[str] = []
    paths = [path for path in routes(house) if path not in NOT_ABOUT_PERSONS]
    for one in records:
        for who in [*roles, f"patron-{one.patron}"] if one.patron else roles:
            for path in paths:
                place = (one.agency, who, filled(path, one))
                if place not in answers:
                    answers[place] = (await house.ask(one.agency, who, "GET", place[2])).text
                found += [
                    f"{one.record_class}: {who} sees {mark!r} at GET {path}" for mark in marks(one, answers[place])
                ]
        if one.patron:
            text = await export(house, one)
            found += [f"{one.record_class}: the export shows {mark!r}" for mark in marks(one, text)]
    for owner in house.suite.runtimes:
        text = "\n".join(map(str, await house.events(owner, 0)))
        found += [
            f"{one.record_class}: an event of {owner} has {mark!r}"
            for one in records
            for mark in marks(one, text)
            if not mark.isdigit() and not is_date(mark)
        ]
    return found


def marks(planted: Planted, text: str) -> list[str]:
    """The marks of a record that a text has."""
    return [mark for mark in planted.marks if seen(mark, text)]


def is_date(mark: str) -> bool:
    """Whether a mark is a date, which events may have."""
    return re.fullmatch(r"\d{4}-\d\d-\d\d", mark) is not None


async def check_hidden_when_due(house: House, record_class: str) -> None:
    """Once due, and before anything is swept, the record is seen nowhere."""
    planted = await plant(house, record_class)
    await house.suite.settle()
    await make_due(house, planted)
    assert await is_there(house, planted), f"{record_class}: swept while the worker slept, so nothing was looked at"
    roles = ("librarian", "administrator", "dpo", "patron-api")
    found = await crawl(house, [planted], roles)
    assert not found, "\n".join([*found, f"hide what is due: `Declared.visible`, or the cutoff in the query ({GUIDE})"])
