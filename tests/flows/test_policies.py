"""A policy is changed under control, embedded and over Kafka: 30 days become 14 at one library while another stays."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio

from .library import Library

DAY = timedelta(days=1)


@pytest_asyncio.fixture(scope="package")
async def second(aalborg: Library) -> str:
    """Another data protection officer of Struer."""
    name = f"dpo-{secrets.token_hex(4)}"
    account = {"username": name, "secret": "a-long-enough-secret", "role": "dpo"}
    await aalborg.ask("POST", "patron-api", "/accounts", "admin", account)
    await aalborg.log_in("second", name, "a-long-enough-secret")
    return "second"


async def change(library: Library, days: int, second: str, hits: int) -> dict[str, Any]:
    """Propose, preview and approve another period for loans; return what was adopted."""
    body = {
        "record_class": "loan",
        "period": f"P{days}D",
        "effective": (library.suite.now() + timedelta(days=1, hours=1)).isoformat(),
        "wording_da": f"Vi glemmer et lån efter {days} dage.",
        "wording_en": f"We forget a loan after {days} days.",
    }
    proposal = await library.ask("POST", "retention-worker", "/policies/proposals", "dpo", body)
    path = f"/policies/proposals/{proposal['proposal_id']}"

    async def clocks_have_come() -> object:
        seen = await library.ask("GET", "retention-worker", f"{path}/preview", "dpo")
        return seen if seen["records"] >= hits else None

    seen = await library.eventually(clocks_have_come, f"{hits} records are known that the change hits")
    number = {"records": seen["records"]}
    await library.ask("POST", "retention-worker", f"{path}/approval", "dpo", number, expect=403)
    adopted = await library.ask("POST", "retention-worker", f"{path}/approval", second, number)

    async def known_by_the_owner() -> object:
        return await library.rows(
            "loan-api",
            "SELECT FROM policy_version WHERE agency = $1 AND record_class = 'loan' AND version = $2",
            library.agency,
            adopted["version"],
        )

    await library.eventually(known_by_the_owner, "loan-api has the version in its book")
    return {**adopted, "preview": seen}


async def period_shown(library: Library) -> tuple[int, float]:
    pages = (
        await library.http.get(library.suite.url("retention-worker") + f"/policies?agency={library.agency}")
    ).json()
    [loan] = [policy for policy in pages["agencies"][0]["policies"] if policy["record_class"] == "loan"]
    return loan["version"], loan["period_days"]


async def test_h72_fourteen_days_at_one_library_alone_and_longer_never_lengthens(
    aalborg: Library, koege: Library, second: str
):
    theirs, ours = await koege.register(), await aalborg.register()
    [there] = await koege.import_works(1)
    here, later, last = await aalborg.import_works(3)
    bystander = await koege.check_out(theirs, there)
    loan, young = await aalborg.check_out(ours, here), await aalborg.check_out(ours, later)
    await koege.check_in(there)
    await aalborg.check_in(here)
    await aalborg.suite.travel(16 * DAY)
    await aalborg.check_in(later)

    shorter = await change(aalborg, 14, second, hits=1)
    assert await period_shown(aalborg) == (shorter["version"] - 1, 30)
    await aalborg.suite.travel(timedelta(days=1, hours=1, minutes=-5))
    assert loan["loan_id"] in {shown["loan_id"] for shown in await aalborg.loans(ours)}
    await aalborg.suite.travel(timedelta(minutes=5, seconds=2))
    assert [shown["loan_id"] for shown in await aalborg.loans(ours)] == [young["loan_id"]]
    line = await aalborg.gone("loan", loan["loan_id"])
    assert line["policy_version"] == shorter["version"]
    assert datetime.fromisoformat(line["due_at"]) == datetime.fromisoformat(shorter["effective"])
    assert [shown["loan_id"] for shown in await koege.loans(theirs)] == [bystander["loan_id"]]
    assert bystander["loan_id"] not in await koege.registered("loan")
    assert (await period_shown(aalborg), await period_shown(koege)) == ((shorter["version"], 14), (1, 30))

    # Sixty days from here on: what came back before was promised fourteen, and goes after fourteen.
    longer = await change(aalborg, 60, second, hits=0)
    assert longer["preview"]["records"] == 0
    await aalborg.suite.travel(timedelta(days=1, hours=1, minutes=1))
    after = await aalborg.check_out(ours, last)
    await aalborg.check_in(last)
    await aalborg.suite.travel(11 * DAY)
    assert young["loan_id"] in {shown["loan_id"] for shown in await aalborg.loans(ours)}
    await aalborg.suite.travel(DAY)
    assert [shown["loan_id"] for shown in await aalborg.loans(ours)] == [after["loan_id"]]
    line = await aalborg.gone("loan", young["loan_id"])
    assert line["policy_version"] == longer["version"]
    await aalborg.suite.travel(40 * DAY)
    assert [shown["loan_id"] for shown in await aalborg.loans(ours)] == [after["loan_id"]]
    await koege.gone("loan", bystander["loan_id"])
    assert after["loan_id"] not in await aalborg.registered("loan")
