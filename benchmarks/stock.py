"""Fills a suite: returned loans, settled debts on a tenth of them, and the clocks of both."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg

from glem.database import Database
from glem_retention.agencies import Agencies

ONE_IN = 10
LIMIT_SECONDS = 300
# $1 number of the filling, $2 agency, $3 number of loans, $4 first anchor, $5 time between two anchors
EACH = "FROM (SELECT n, ($1::bigint << 32) + n AS id, $4::timestamptz + n * $5::interval AS at FROM generate_series(1, $3::int) n) made"
OWED = f"{EACH} WHERE n % {ONE_IN} = 0"
LOANS = f"""
INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, returned_at, reminders,
    anchor, clock_version)
SELECT id, $2, 1 + n % 5000, n, 'w' || n % 10000, $2, at - interval '20 days', at::date, 0, at, 0, at, 1 {EACH}
"""
DEBTS = f"""
WITH debts AS (
    INSERT INTO debt (debt_id, agency, patron_id, kind, cause, amount, balance, raised_at, settled_at, due_on, redacted,
        anchor, clock_version)
    SELECT id, $2, 1 + n % 5000, 'fee', 'overdue', 2000, 0, at - interval '1 hour', at, at::date, false, at, 2 {OWED}
), materials AS (
    INSERT INTO debt_material (debt_id, loan_id, item_id, work_id) SELECT id, id, n, 'w' || n % 10000 {OWED}
), payments AS (
    INSERT INTO payment (agency, order_id, patron_id, amount, at) SELECT $2, 'o' || id, 1 + n % 5000, 2000, at {OWED}
)
INSERT INTO debt_entry (entry_id, debt_id, agency, kind, amount, at, order_id)
SELECT id * 2, id, $2, 'raised', 2000, at - interval '1 hour', NULL {OWED}
UNION ALL SELECT id * 2 + 1, id, $2, 'payment', -2000, at, 'o' || id {OWED}
"""
CLOCKS = f"""
INSERT INTO clock (record_class, record_id, agency, version, anchor, tries) SELECT 'loan', id, $2, 1, at, 0 {EACH}
"""
DEBT_CLOCKS = f"""
INSERT INTO clock (record_class, record_id, agency, version, anchor, tries) SELECT 'debt', id, $2, 2, at, 0 {OWED}
"""


class Delivery(NamedTuple):
    """One filling. The first record falls due `ahead` after `now`, each other `apart` later."""

    loans: int
    now: datetime
    ahead: timedelta
    apart: timedelta
    number: int


def values_of(agencies: Agencies, delivery: Delivery) -> list[tuple[int, str, int, datetime, timedelta]]:
    """Return the parameters of the statements for each agency's share."""
    shares = []
    for place, isil in enumerate(agencies):
        part = delivery.loans // len(agencies) + (place < delivery.loans % len(agencies))
        first = (agencies.cutoff(isil, "loan", delivery.now) or delivery.now) + delivery.ahead
        number = delivery.number * len(agencies) + place + 1
        shares.append((number, isil, part, first, delivery.apart * len(agencies)))
    return shares


def debts_in(agencies: Agencies, delivery: Delivery) -> int:
    """Return on how many of the loans there is a debt."""
    return sum(part // ONE_IN for _, _, part, _, _ in values_of(agencies, delivery))


async def fill(target: Database | asyncpg.Connection, agencies: Agencies, delivery: Delivery, *what: str) -> None:
    """Run the statements `what` for each agency, then ANALYZE."""
    for values in values_of(agencies, delivery):
        for statement in what:
            await target.execute(statement, *values, timeout=LIMIT_SECONDS)
    await target.execute("ANALYZE")


async def count(database: Database, counts: Sequence[str]) -> list[int]:
    """Return how many rows each of `counts` (a table, and perhaps a condition) has."""
    return [await database.fetchval(f"SELECT count(*) FROM {each}") for each in counts]
