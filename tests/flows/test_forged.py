"""Events that nobody of the suite wrote, over both transports: nothing goes early, and nothing stays (H107)."""

import asyncio
from datetime import timedelta

import pytest

from glem_contracts.events import LoanErased, PatronErased
from glem_contracts.events.envelope import Erasure, Event, EventData

from .library import Library
from .suites import AnySuite
from .test_breaking import send_again

AUDIT_SECONDS = 120.0


def forged(library: Library, data: EventData, subject: int) -> tuple[str, str, bytes]:
    event = Event.of(data, service="loan-api", agency=library.agency, subject=subject, time=library.suite.now())
    return data.topic, str(subject), event.to_json()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_h107_forged_ends_of_a_loan_and_of_a_patron(suite: AnySuite, struer: Library):
    patron = await struer.register()
    item, other = await struer.import_works(2)
    loan_id = (await struer.check_out(patron, item))["loan_id"]
    bystander_id = (await struer.check_out(patron, other))["loan_id"]
    erased = [Erasure(record_class="loan", record_ids=[loan_id])]
    end_of_patron = forged(struer, PatronErased(patron_id=patron.patron_id), patron.patron_id)
    await send_again(suite, struer, [forged(struer, LoanErased(erased=erased), loan_id), end_of_patron])
    await struer.gone("loan", loan_id)
    await struer.check_in(item)

    async def put_aside():
        found = "SELECT 1 FROM outbox WHERE topic = 'glem.dead-letters' AND convert_from(payload, 'UTF8') LIKE '%ForgedError%'"
        return all([await struer.rows(service, found) for service in ("loan-api", "notifier")])

    await struer.eventually(put_aside, "the patron's end is a dead letter")
    assert {loan["loan_id"] for loan in await struer.loans(patron)} == {loan_id, bystander_id}

    await suite.travel(timedelta(days=30, seconds=5))
    assert {loan["loan_id"] for loan in await struer.loans(patron)} == {bystander_id}
    async with asyncio.timeout(AUDIT_SECONDS):
        while await struer.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", loan_id):  # noqa: ASYNC110  a condition of another process
            await asyncio.sleep(0.5)
    [kept] = await struer.rows("loan-api", "SELECT returned_at FROM loan WHERE loan_id = $1", bystander_id)
    assert kept["returned_at"] is None
    await struer.check_in(other)
