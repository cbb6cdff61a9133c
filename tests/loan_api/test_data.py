"""Every personal field that lending holds about a patron is in the export, and nothing that is due (R106)."""

import re
from datetime import timedelta

import asyncpg
import pytest

from loan_api.base import metadata
from loan_api.export.rules import EVERYTHING
from tests.house.planting import plant, written

KOEGE = "DK-725900"
DAY = timedelta(days=1)


async def data(library, patron):
    answer = await library.call("GET", f"/patrons/{patron}/data", "service", "*")
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer, name):
    return [row for section in answer.json() if section["name"] == name for row in section["rows"]]


@pytest.fixture
async def planted(library, address):
    """A patron with a row in every table that holds something personal, and the rows."""
    patron, connection = library.make_patron(), await asyncpg.connect(address)
    tables = metadata.tables
    made = {"borrower": await plant(connection, tables["borrower"], patron_id=patron, agency=KOEGE, erased=False)}
    open_debt = {"settled_at": None, "redacted": False, "in_collection_since": None}
    debt = await plant(connection, tables["debt"], patron_id=patron, agency=KOEGE, **open_debt)
    made["debt"] = debt
    entry = await plant(connection, tables["debt_entry"], debt_id=debt["debt_id"], agency=KOEGE)
    made["debt_entry"] = entry
    loan = made["loan"] = await plant(connection, tables["loan"], patron_id=patron, agency=KOEGE)
    links = {
        "debt_material": {"debt_id": debt["debt_id"]},
        "payment": {"order_id": entry["order_id"]},
        "viewing": {"viewing_id": 4711},
        "viewed_loan": {"viewing_id": 4711, "loan_id": loan["loan_id"]},
    }
    for holding in EVERYTHING:
        name = holding.table.name
        if name not in made:
            known = {"patron_id": patron, "agency": KOEGE, **links.get(name, {})}
            made[name] = await plant(connection, holding.table, **known)
    yield patron, made
    await connection.close()


async def test_every_planted_value_of_a_personal_column_is_in_the_export(library, planted):
    patron, made = planted
    answer = await data(library, patron)
    missing = [
        f"{holding.table.name}.{name}"
        for holding in EVERYTHING
        for name in holding.fields
        for value in [made[holding.table.name][name]]
        if value is not None and not any(re.search(rf"\b{re.escape(text)}\b", answer.text) for text in written(value))
    ]
    assert not missing, f"not in the export: {missing}"
    assert {section["name"] for section in answer.json()} >= {holding.name for holding in EVERYTHING}


async def test_a_bystander_is_in_nobodys_export(library, planted):
    _, made = planted
    other = library.make_patron()
    [item] = await library.make_items()
    await library.lend(other, item)
    answer = await data(library, other)
    assert [row["title"] for row in rows(answer, "loan")] == ["Kongens Fald"]
    assert not any(str(row["patron_id"]) in answer.text for row in made.values() if "patron_id" in row)


async def test_h51_what_is_due_is_not_in_it_though_its_row_is_there(library):
    patron = library.make_patron()
    [item, other] = await library.make_items(2)
    loan = await library.lend(patron, item)
    await library.charge(patron, 500, loan["loan_id"])
    await library.pay(patron, 500)
    await library.take_back(item)
    assert len(rows(await data(library, patron), "loan")) == 1
    assert len(rows(await data(library, patron), "debt_material")) == 1
    library.clock.travel(30 * DAY)
    kept = await library.lend(patron, other)
    answer = await data(library, patron)
    assert await library.runtime.database.fetchval("SELECT count(*) FROM loan WHERE patron_id = $1", patron) == 2
    assert [row["loaned_at"] for row in rows(answer, "loan")] == [kept["loaned_at"]]
    assert rows(answer, "debt_material") == []
    [debt] = rows(answer, "debt")
    assert debt["amount"] == 500
    assert "cause" not in debt


async def test_an_unknown_patron_has_no_data(library, problem):
    assert (await data(library, 4711)).json() == []
    refused = await library.call("GET", "/patrons/4711/data")
    assert problem(refused) == (403, "missing-scope")
