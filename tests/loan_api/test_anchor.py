"""The anchor of a loan is one rule: the SQL function says what the pure function says, and every statement asks it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

import loan_api
from glem.database import Transaction
from glem.migrations import upgrade
from loan_api.base import MIGRATIONS, metadata
from loan_api.loans import erasure
from loan_api.loans.store import RECOMPUTE, recompute_clocks
from loan_api.returns import store as returns
from tests.loan_api.lives import START, History, Lab, histories

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(loan_api.__file__).parent
TEXT = (PACKAGE / "loans" / "anchor.sql").read_text(encoding="utf-8")
plainly = settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
patiently = settings(plainly, max_examples=400)


@pytest.fixture(scope="module")
def lab(address: str) -> Iterator[Lab]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(address))
        runner.run(
            connection.execute("DELETE FROM loan; DELETE FROM debt; DELETE FROM debt_material; DELETE FROM debt_entry")
        )
        yield Lab(runner, connection)
        runner.run(connection.close())


def test_postgres_and_the_pure_function_say_the_same_of_every_history(lab: Lab):
    @plainly
    @given(histories)
    def hold(history: History) -> None:
        assert lab.differences(history) == []

    hold()


FAULTS = {
    "a debt raised in the very second": ("debt.raised_at < loan_anchor.as_of", "debt.raised_at <= loan_anchor.as_of"),
    "a settlement in the very second": ("settled_at < loan_anchor.as_of", "settled_at <= loan_anchor.as_of"),
    "an entry in the very second": ("debt_entry.at < loan_anchor.as_of", "debt_entry.at <= loan_anchor.as_of"),
    "what was reversed later": ("HAVING sum(debt_entry.amount) = 0", ""),
    "a part payment": ("count(*) = count(debt_then.settled_at)", "count(*) <= count(debt_then.settled_at) + 1"),
    "an open loan": ("loan_anchor.returned_at IS NOT NULL AND", ""),
    "the settlement": ("greatest(loan_anchor.returned_at, max(debt_then.settled_at))", "loan_anchor.returned_at"),
    "the return": ("greatest(loan_anchor.returned_at, max(debt_then.settled_at))", "max(debt_then.settled_at)"),
    "the first settlement": ("max(debt_then.settled_at)", "min(debt_then.settled_at)"),
    "whose debts they are": ("AND debt.patron_id = loan_anchor.patron_id", ""),
    "which loan they are for": ("AND debt_material.loan_id = loan_anchor.loan_id", ""),
    "how far a debt reaches": ("loan_anchor.fee_scope = 'patron'", "loan_anchor.fee_scope <> ''"),
}


def test_a_function_that_mistakes_something_is_found(lab: Lab):
    assert [fault for fault, (right, _) in FAULTS.items() if right not in TEXT] == []
    left = {fault: TEXT.replace(right, wrong) for fault, (right, wrong) in FAULTS.items()}

    @patiently
    @given(histories)
    def look(history: History) -> None:
        for fault in lab.found(history, left) if left else ():
            del left[fault]

    look()
    assert list(left) == []


async def test_the_database_has_the_text_of_the_code(address: str):
    """If this fails, loans/anchor.sql was changed without a migration that replaces the function."""
    definition = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'loan_anchor'"
    connection = await asyncpg.connect(address)
    try:
        migrated = await connection.fetchval(definition)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DROP FUNCTION loan_anchor")
        await connection.execute(TEXT)
        written = await connection.fetchval(definition)
        await transaction.rollback()
    finally:
        await connection.close()
    assert migrated == written


STATEMENTS = {
    "close": returns.RETURN,
    "recompute": RECOMPUTE,
    "erase": erasure.ERASE,
    "overdue": erasure.OVERDUE,
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_postgres_takes_the_rule_into_the_statement(address: str, name: str):
    """A plan that calls the function does so for each row, and a thousand loans take a thousand statements."""
    statement, connection = STATEMENTS[name], await asyncpg.connect(address)
    values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", statement))))
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked AS {statement}")
        rows = await connection.fetch(f"EXPLAIN (VERBOSE) EXECUTE asked ({values})")
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    assert "debt_material" in plan
    assert "Function Call: loan_anchor" not in plan


WORDED_AGAIN = re.compile(
    r"""(max|min|greatest)\s*\(\s*[\w.]*(settled_at|returned_at)   # of the later of return and settlements
    |UPDATE\ loan\ SET[^;"]*?\banchor\ =\ (?!facts|NULL|\(SELECT)  # an anchor that is not the function's, nor an open loan's
    """,
    re.IGNORECASE | re.VERBOSE,
)


def test_no_other_statement_words_the_rule_again():
    found = [
        f"{file.relative_to(PACKAGE)}: {match[0]}"
        for file in PACKAGE.rglob("*.py")
        if "migrations" not in file.parts
        for match in WORDED_AGAIN.finditer(file.read_text(encoding="utf-8"))
    ]
    assert found == []


BEFORE = """
INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, reminders, returned_at,
    anchor, clock_version)
VALUES (1, 'DK-1', 101, 1, 'w', 'b', '2027-01-01', '2027-02-01', 0, 0, NULL, NULL, 0),
    (2, 'DK-1', 101, 2, 'w', 'b', '2027-01-01', '2027-02-01', 0, 0, '2027-01-10', '2027-01-10', 1),
    (3, 'DK-1', 101, 3, 'w', 'b', '2027-01-01', '2027-02-01', 0, 0, '2027-02-10', '2027-02-14', 3),
    (4, 'DK-1', 101, 4, 'w', 'b', '2027-01-01', '2027-02-01', 0, 0, '2027-02-20', NULL, 4);
INSERT INTO debt (debt_id, agency, patron_id, kind, cause, amount, balance, raised_at, settled_at, redacted, clock_version)
VALUES (1, 'DK-1', 101, 'fee', 'overdue', 10, 0, '2027-02-10', '2027-02-14', false, 2),
    (2, 'DK-1', 101, 'fee', 'other', 10, 10, '2027-02-20', NULL, false, 3);
INSERT INTO debt_material (debt_id, loan_id, item_id, work_id) VALUES (1, 3, 3, 'w'), (1, 4, 4, 'w'), (2, 4, 4, 'w'), (2, 1, 1, 'w');
INSERT INTO debt_entry (entry_id, debt_id, agency, kind, amount, at)
VALUES (1, 1, 'DK-1', 'raised', 10, '2027-02-10'), (2, 1, 'DK-1', 'payment', -10, '2027-02-14'),
    (3, 2, 'DK-1', 'raised', 10, '2027-02-20'), (4, 2, 'DK-1', 'payment', -10, '2027-02-21'),
    (5, 2, 'DK-1', 'reversal', 10, '2027-02-25');
"""


async def facts(connection: asyncpg.Connection) -> list[list[asyncpg.Record]]:
    return [
        await connection.fetch("SELECT loan_id, returned_at, anchor, clock_version FROM loan ORDER BY loan_id"),
        await connection.fetch("SELECT debt_id, balance, raised_at, settled_at, anchor FROM debt ORDER BY debt_id"),
        await connection.fetch("SELECT debt_id, loan_id FROM debt_material ORDER BY debt_id, loan_id"),
        await connection.fetch("SELECT entry_id, amount, at FROM debt_entry ORDER BY entry_id"),
    ]


async def test_a_database_from_before_the_function_keeps_its_anchors(fresh_database):
    url = await fresh_database()
    await upgrade(url, MIGRATIONS, metadata, revision="0005")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(BEFORE)
        before = await facts(connection)
        await upgrade(url, MIGRATIONS, metadata)
        assert await facts(connection) == before
        async with connection.transaction():
            assert await recompute_clocks(Transaction(connection, "loan-api", START), [1, 2, 3, 4], "loan") == []
    finally:
        await connection.close()
