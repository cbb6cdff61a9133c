"""Two at once: what is committed first decides, and nothing is taken twice."""

import asyncio
from collections import Counter
from datetime import timedelta

import asyncpg
import pytest

from glem_contracts.disposals import DisposalOrder
from tests.loan_api_debts.conftest import DAY, RANDERS, START, STRUER, Library

TODAY = START.date()


async def waiting(library: Library, count: int = 1) -> None:
    """Wait until `count` sessions wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(10):
        while await library.runtime.database.fetchval(query) < count:  # noqa: ASYNC110  PostgreSQL has no event for it
            await asyncio.sleep(0.01)


def loan_disposal(library: Library, agency: str, loan_id: int) -> tuple[object, DisposalOrder]:
    disposer = library.app.state.records.disposers()["loan"]
    return disposer, DisposalOrder(disposal_id=1, agency=agency, record_class="loan", record_ids=[loan_id])


@pytest.mark.parametrize("agency", [STRUER, RANDERS])
async def test_h11_a_fee_committed_first_keeps_the_loan(library: Library, agency: str) -> None:
    patron = await library.make_patron(agency)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(30 * DAY - timedelta(milliseconds=100))
    assert (await library.raise_debt(patron, 5000, loan)).status_code == 201
    library.travel(timedelta(milliseconds=100))
    [refused] = (await library.dispose(agency, "loan", loan))["refused"]
    assert (refused["reason"], refused["anchor"]) == ("held", None)
    assert await library.anchor(loan) is None
    assert await library.overdue(agency, "loan") == []


async def test_h11_while_the_fee_is_being_raised_the_eraser_passes_the_loan_by(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(30 * DAY - timedelta(milliseconds=100))
    async with library.runtime.database.transaction() as blocker:
        await blocker.execute("LOCK TABLE debt IN SHARE MODE")
        raising = asyncio.create_task(library.raise_debt(patron, 5000, loan))
        await waiting(library)
        library.travel(timedelta(milliseconds=100))
        [refused] = (await library.dispose(STRUER, "loan", loan))["refused"]
        assert refused["reason"] == "locked"
    assert (await raising).status_code == 201
    [refused] = (await library.dispose(STRUER, "loan", loan))["refused"]
    assert (refused["reason"], refused["anchor"]) == ("held", None)
    assert (await library.account(patron))["balance"] == 5000


async def test_h11_an_erasure_committed_first_refuses_the_fee(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loan = await library.make_loan(patron)
    await library.check_in(loan)
    library.travel(30 * DAY - timedelta(milliseconds=100))
    disposer, order = loan_disposal(library, STRUER, loan)
    async with library.runtime.database.transaction() as eraser:
        outcome = await disposer.dispose(eraser, order, START)
        assert outcome.erased == [loan]
        raising = asyncio.create_task(library.raise_debt(patron, 5000, loan))
        await waiting(library)
    answer = await raising
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:glem:problem:loan-gone")
    assert (await library.account(patron)) == {"patron_id": patron, "balance": 0, "debts": []}
    for table in ("debt", "debt_material", "debt_entry"):
        assert await library.runtime.database.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_h11_a_chargeback_and_the_erasure_of_the_debt_cannot_pass_each_other(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    debt_id = (await library.raise_debt(patron, 5000)).json()["debt_id"]
    await library.pay(patron, 5000, order_id="card-1")
    library.travel(30 * DAY - timedelta(milliseconds=100))
    disposer = library.app.state.records.disposers()["debt"]
    order = DisposalOrder(disposal_id=1, agency=STRUER, record_class="debt", record_ids=[debt_id])
    async with library.runtime.database.transaction() as eraser:
        assert (await disposer.dispose(eraser, order, START)).erased == [debt_id]
        reversing = asyncio.create_task(library.reverse("card-1", STRUER))
        await waiting(library)
    answer = await reversing
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:glem:problem:payment-unknown")
    assert (await library.account(patron))["balance"] == 0


async def test_parallel_payments_with_one_order_id_make_one(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    await library.raise_debt(patron, 5000)
    answers = await asyncio.gather(*(library.pay(patron, 1000, order_id="web-1") for _ in range(12)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 11}
    assert len({answer.text for answer in answers}) == 1
    assert (await library.account(patron))["balance"] == 4000


async def test_parallel_payments_of_two_patrons_with_one_order_id_make_one(library: Library) -> None:
    patrons = [await library.make_patron(STRUER) for _ in range(6)]
    for patron in patrons:
        await library.raise_debt(patron, 5000)
    answers = await asyncio.gather(*(library.pay(patron, 1000, order_id="web-1") for patron in patrons))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert await library.runtime.database.fetchval("SELECT sum(balance) FROM borrower") == 29000


async def test_parallel_payments_never_pay_more_than_is_owed(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    await library.raise_debt(patron, 5000)
    answers = await asyncio.gather(*(library.pay(patron, 2000) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 6}
    assert (await library.account(patron))["balance"] == 1000


async def test_h25_parallel_returns_make_one_fee(library: Library) -> None:
    patron = await library.make_patron(STRUER)
    loans = [await library.make_loan(patron, due_on=TODAY - DAY) for _ in range(6)]
    returns = await asyncio.gather(*(library.check_in(loan) for loan in loans))
    assert sum(len(returned.debts) for returned in returns) == 1
    assert all([await library.anchor(loan) is None for loan in loans])


@pytest.mark.parametrize("agency", [STRUER, RANDERS])
async def test_returns_payments_and_erasures_at_once_do_not_stop_each_other(library: Library, agency: str) -> None:
    patron = await library.make_patron(agency)
    loans = [await library.make_loan(patron, due_on=TODAY - (n % 3) * DAY) for n in range(12)]
    debts = [(await library.raise_debt(patron, 1000, loan)).json()["debt_id"] for loan in loans]
    work = [
        *(library.check_in(loan) for loan in loans),
        *(library.pay(patron, 500, debt_ids=[debt]) for debt in debts),
        *(library.waive(debt, agency, 300) for debt in debts),
        *(library.dispose(agency, "debt", *debts) for _ in range(4)),
        *(library.dispose(agency, "loan", *loans) for _ in range(4)),
    ]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert [result for result in results if isinstance(result, BaseException | asyncpg.PostgresError)] == []
    ledger = await library.runtime.database.fetchval("SELECT sum(amount) FROM debt_entry")
    assert (await library.account(patron))["balance"] == ledger
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await library.runtime.database.fetchval(deadlocks) == 0
