"""How debts go away: whole, or only what leads back to an item; and what is left of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from glem.ids import new_id
from glem_contracts.disposals import DisposalOrder
from loan_api.debts import erasure
from loan_api.debts.disposals import DebtDisposer
from tests.loan_api_debts.conftest import AALBORG, DAY, KOEGE, START, STRUER, Library

TODAY = START.date()


async def make_settled_fee(library: Library, agency: str, **payment: str) -> tuple[int, int, int]:
    """Return patron, loan and fee; the fee is paid at once."""
    patron = await library.make_patron(agency)
    loan = await library.make_loan(patron, due_on=TODAY - DAY)
    [fee] = (await library.check_in(loan)).debts
    assert (await library.pay(patron, fee.amount, **payment)).status_code == 201
    return patron, loan, fee.debt_id


async def test_h26_thirty_days_after_settlement_nothing_leads_back_to_the_item(library: Library) -> None:
    patron, _, debt_id = await make_settled_fee(library, KOEGE, order_id="kvit-1")
    _, _, bystander = await make_settled_fee(library, STRUER)
    before = await library.row(debt_id)
    library.travel(30 * DAY)
    assert await library.overdue(KOEGE, "debt") == [debt_id]
    outcome = await library.dispose(KOEGE, "debt", debt_id, bystander)
    assert (outcome["redacted"], outcome["erased"], outcome["gone"]) == ([debt_id], [], [bystander])
    after = await library.row(debt_id)
    assert (after["cause"], after["due_on"], after["redacted"]) == ("redacted", None, True)
    kept = ("amount", "balance", "raised_at", "settled_at", "patron_id", "kind")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert await library.count("debt_material", debt_id) == 0
    assert await library.count("debt_entry", debt_id) == 2
    shown = (await library.client.get(f"/debts/{debt_id}", headers=library.staff(KOEGE))).json()
    assert (shown["materials"], shown["due_on"], shown["ledger"][1]["order_id"]) == ([], None, "kvit-1")
    assert (await library.account(patron))["debts"][0]["redacted"]
    assert await library.overdue(KOEGE, "debt") == []
    assert await library.count("debt_material", bystander) == 1


async def test_h26_due_material_is_not_shown_before_the_sweep(library: Library) -> None:
    patron, _, debt_id = await make_settled_fee(library, KOEGE)
    library.travel(30 * DAY)
    [shown] = (await library.account(patron))["debts"]
    assert (shown["cause"], shown["due_on"], shown["materials"], shown["redacted"]) == ("redacted", None, [], True)
    assert await library.count("debt_material", debt_id) == 1


async def test_h26_material_that_went_with_a_chargeback_waits_for_an_order_whatever_event_was_lost(
    library: Library,
) -> None:
    """The debt is owed again, and its material is away: the register gets its line by an order, as for any other."""
    patron, _, debt_id = await make_settled_fee(library, KOEGE, order_id="kvit-1")
    library.travel(30 * DAY)
    assert (await library.reverse("kvit-1", KOEGE)).status_code == 200
    assert await library.count("debt_material", debt_id) == 0
    assert await library.overdue(KOEGE, "debt") == [debt_id]
    debt = await library.row(debt_id)
    await library.pay(patron, debt["amount"])
    assert await library.overdue(KOEGE, "debt") == [debt_id], "a new settlement is no new beginning"
    [told] = [clock for clock in (await library.events())[-1]["data"]["clocks"] if clock["record_class"] == "debt"]
    assert datetime.fromisoformat(told["anchor"]) == START

    assert (await library.dispose(KOEGE, "debt", debt_id))["redacted"] == [debt_id]
    assert await library.overdue(KOEGE, "debt") == []
    assert (await library.dispose(KOEGE, "debt", debt_id))["gone"] == [debt_id]


async def test_h26_the_amount_goes_three_years_after_the_accounting_year(library: Library) -> None:
    _, _, debt_id = await make_settled_fee(library, KOEGE)
    library.travel(30 * DAY)
    await library.dispose(KOEGE, "debt", debt_id)
    due = datetime(2027, 12, 31, 23, tzinfo=UTC) + library.runtime.agencies[KOEGE].retention["debt-amount"].period
    library.travel(due - library.clock.now() - timedelta(seconds=1))
    [refused] = (await library.dispose(KOEGE, "debt-amount", debt_id))["refused"]
    assert (refused["reason"], refused["anchor"]) == ("not-due", "2027-12-31T23:00:00Z")
    assert await library.overdue(KOEGE, "debt-amount") == []
    library.travel(timedelta(seconds=1))
    assert await library.overdue(KOEGE, "debt-amount") == [debt_id]
    assert (await library.dispose(KOEGE, "debt-amount", debt_id))["erased"] == [debt_id]
    assert await remains(library, debt_id) == 0


@pytest.mark.parametrize("agency", [STRUER, AALBORG])
async def test_h27_the_whole_record_goes_and_the_days_totals_stay(library: Library, agency: str) -> None:
    patron, _, debt_id = await make_settled_fee(library, agency, order_id="kvit-1")
    open_debt = (await library.raise_debt(patron, 700)).json()["debt_id"]
    amount = (await library.row(debt_id))["amount"]
    library.travel(30 * DAY)
    assert await library.overdue(agency, "debt") == [debt_id]
    outcome = await library.dispose(agency, "debt", debt_id, open_debt)
    assert outcome["erased"] == [debt_id]
    assert [(refused["record_id"], refused["reason"]) for refused in outcome["refused"]] == [(open_debt, "held")]
    assert await remains(library, debt_id) == 0
    assert await library.runtime.database.fetchval("SELECT count(*) FROM payment") == 0
    assert await library.count("debt_entry", open_debt) == 1
    totals = await library.runtime.database.fetch("SELECT * FROM debt_total ORDER BY entry DESC")
    assert [tuple(total) for total in totals] == [
        (agency, TODAY, "fee", "raised", 1, amount),
        (agency, TODAY, "fee", "payment", 1, -amount),
    ]
    told = (await library.events())[-1]
    assert told["type"] == "DebtErased"
    assert told["data"]["erased"] == [{"record_class": "debt", "record_ids": [debt_id], "action": "erase"}]
    assert (await library.account(patron))["balance"] == 700


async def remains(library: Library, debt_id: int) -> int:
    return sum([await library.count(table, debt_id) for table in ("debt", "debt_material", "debt_entry")])


async def test_totals_of_one_day_add_up_over_disposals(library: Library) -> None:
    fees = [(await make_settled_fee(library, STRUER))[2] for _ in range(3)]
    library.travel(30 * DAY)
    await library.dispose(STRUER, "debt", *fees[:2])
    await library.dispose(STRUER, "debt", fees[2])
    total = await library.runtime.database.fetchrow("SELECT entries, amount FROM debt_total WHERE entry = 'raised'")
    assert total["entries"] == 3


async def test_a_repeated_disposal_is_harmless(library: Library) -> None:
    _, _, debt_id = await make_settled_fee(library, STRUER)
    library.travel(30 * DAY)
    await library.dispose(STRUER, "debt", debt_id)
    count = len(await library.events())
    assert (await library.dispose(STRUER, "debt", debt_id, 4711))["gone"] == sorted([debt_id, 4711])
    assert len(await library.events()) == count


async def test_a_repeated_redaction_is_gone(library: Library) -> None:
    _, _, debt_id = await make_settled_fee(library, KOEGE)
    library.travel(30 * DAY)
    await library.dispose(KOEGE, "debt", debt_id)
    assert (await library.dispose(KOEGE, "debt", debt_id))["gone"] == [debt_id]


async def test_not_a_second_too_early(library: Library) -> None:
    _, _, debt_id = await make_settled_fee(library, STRUER)
    library.travel(30 * DAY - timedelta(seconds=1))
    [refused] = (await library.dispose(STRUER, "debt", debt_id))["refused"]
    assert (refused["reason"], refused["version"]) == ("not-due", 2)
    assert await library.overdue(STRUER, "debt") == []


async def test_the_facts_decide_and_not_the_stored_anchor(library: Library) -> None:
    _, _, due = await make_settled_fee(library, STRUER)
    patron = await library.make_patron(STRUER)
    owed = (await library.raise_debt(patron, 700)).json()["debt_id"]
    await library.runtime.database.execute(
        "UPDATE debt SET anchor = CASE WHEN debt_id = $1 THEN $2::timestamptz END", owed, START
    )
    library.travel(30 * DAY)
    assert await library.overdue(STRUER, "debt") == [due]
    outcome = await library.dispose(STRUER, "debt", due, owed)
    assert (outcome["erased"], outcome["refused"][0]["reason"]) == ([due], "held")


async def test_a_payment_stays_while_one_of_its_debts_does(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    first = (await library.raise_debt(patron, 1000)).json()["debt_id"]
    library.travel(timedelta(seconds=1))
    second = (await library.raise_debt(patron, 1000)).json()["debt_id"]
    await library.pay(patron, 1500, order_id="kvit-1")
    library.travel(30 * DAY)
    await library.dispose(STRUER, "debt", *sorted([first, second]))
    payments = "SELECT count(*) FROM payment WHERE order_id = 'kvit-1'"
    assert await library.runtime.database.fetchval(payments) == 1
    await library.pay(patron, 500, order_id="kvit-2")
    library.travel(30 * DAY)
    await library.dispose(STRUER, "debt", second)
    assert await library.runtime.database.fetchval("SELECT count(*) FROM payment") == 0


async def test_parallel_disposals_leave_no_payment_behind(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    debts = [(await library.raise_debt(patron, 1000)).json()["debt_id"] for _ in range(20)]
    await library.pay(patron, 20000, order_id="kvit-1")
    library.travel(30 * DAY)
    await asyncio.gather(*(library.dispose(STRUER, "debt", debt_id) for debt_id in debts))
    assert await library.runtime.database.fetchval("SELECT count(*) FROM debt") == 0
    assert await library.runtime.database.fetchval("SELECT count(*) FROM payment") == 0
    assert await library.runtime.database.fetchval("SELECT entries FROM debt_total WHERE entry = 'payment'") == 20


async def test_a_locked_debt_does_not_stop_the_others(library: Library) -> None:
    _, _, locked = await make_settled_fee(library, STRUER)
    _, _, free = await make_settled_fee(library, STRUER)
    library.travel(30 * DAY)
    async with library.runtime.database.transaction() as tx:
        await tx.execute("SELECT 1 FROM debt WHERE debt_id = $1 FOR UPDATE", locked)
        outcome = await library.dispose(STRUER, "debt", locked, free)
    assert (outcome["erased"], outcome["refused"][0]["reason"]) == ([free], "locked")
    assert (await library.dispose(STRUER, "debt", locked))["erased"] == [locked]


async def test_a_disposal_that_dies_midway_has_done_nothing(library: Library) -> None:
    _, _, debt_id = await make_settled_fee(library, STRUER)
    library.travel(30 * DAY)
    order = DisposalOrder(disposal_id=1, agency=STRUER, record_class="debt", record_ids=[debt_id])
    cutoff = library.runtime.agencies.cutoff(STRUER, "debt", library.clock.now())
    before = await remains(library, debt_id)
    with pytest.raises(ConnectionAbortedError):
        async with library.runtime.database.transaction() as tx:
            await DebtDisposer(library.runtime.agencies).dispose(tx, order, cutoff)
            raise ConnectionAbortedError
    assert await remains(library, debt_id) == before
    assert (await library.dispose(STRUER, "debt", debt_id))["erased"] == [debt_id]


async def test_a_patron_who_goes_takes_what_is_settled_along(library: Library) -> None:
    patron, _, settled = await make_settled_fee(library, STRUER)
    _, _, bystander = await make_settled_fee(library, STRUER)
    async with library.runtime.database.transaction() as tx:
        erased = await erasure.erase_settled_of_patron(tx, STRUER, patron)
    assert [(one.record_class, one.record_ids) for one in erased] == [("debt", [settled])]
    assert await remains(library, settled) == 0
    assert await remains(library, bystander) == 4


async def test_a_thousand_debts_go_in_a_handful_of_statements(library: Library) -> None:
    database = library.runtime.database
    ids = [new_id() for _ in range(1000)]
    patron = await library.make_patron(STRUER)
    await database.execute(
        """INSERT INTO debt (debt_id, agency, patron_id, kind, cause, amount, balance, raised_at, settled_at, redacted,
        clock_version) SELECT id, $2, $3, 'fee', 'overdue', 100, 0, $4, $4, false, 2 FROM unnest($1::bigint[]) AS id""",
        ids,
        STRUER,
        patron,
        START,
    )
    library.travel(30 * DAY)
    order = DisposalOrder(disposal_id=1, agency=STRUER, record_class="debt", record_ids=ids)
    cutoff = library.runtime.agencies.cutoff(STRUER, "debt", library.clock.now())
    async with database.transaction() as tx:
        statements = []
        for name in ("fetch", "execute", "fetchrow", "fetchval"):
            counted(tx, name, statements)
        outcome = await DebtDisposer(library.runtime.agencies).dispose(tx, order, cutoff)
    assert len(outcome.erased) == 1000
    assert len(statements) <= 5


def counted(tx: object, name: str, statements: list[str]) -> None:
    original = getattr(tx, name)

    async def call(*args: object) -> object:
        statements.append(name)
        return await original(*args)

    setattr(tx, name, call)
