"""The SQL that erases and redacts debts, and finds those that are due: set-wise, in the order of their ids."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from glem.database import Database, Transaction
from glem_contracts.events.envelope import Erasure
from loan_api.base import row_of
from loan_api.debts.tables import REDACTED_CAUSE, DebtRow

ERASE = """
WITH debts AS (
    DELETE FROM debt WHERE debt_id = ANY($1::bigint[]) RETURNING debt_id, kind
), materials AS (
    DELETE FROM debt_material WHERE debt_id = ANY($1::bigint[])
), entries AS (
    DELETE FROM debt_entry WHERE debt_id = ANY($1::bigint[]) RETURNING debt_id, agency, kind, amount, at, order_id
), totals AS (
    INSERT INTO debt_total AS sums (agency, day, kind, entry, entries, amount)
    SELECT agency, (at AT TIME ZONE 'Europe/Copenhagen')::date, debts.kind, entries.kind, count(*), sum(amount)
    FROM entries JOIN debts USING (debt_id) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (agency, day, kind, entry)
        DO UPDATE SET entries = sums.entries + excluded.entries, amount = sums.amount + excluded.amount
)
SELECT DISTINCT order_id FROM entries WHERE order_id IS NOT NULL
"""
REDACT = """
WITH materials AS (
    DELETE FROM debt_material WHERE debt_id = ANY($1::bigint[])
), keys AS (
    UPDATE debt_entry SET order_id = NULL
    WHERE debt_id = ANY($1::bigint[]) AND kind IN ('raised', 'waiver') AND order_id IS NOT NULL
)
UPDATE debt SET cause = $2, due_on = NULL, redacted = true, anchor = NULL WHERE debt_id = ANY($1::bigint[])
"""
DUE_MATERIAL = """
(SELECT * FROM debt WHERE agency = $1 AND redacted AND anchor <= $2 ORDER BY anchor LIMIT $3)
UNION ALL
(SELECT * FROM debt WHERE agency = $1 AND settled_at <= $2 AND balance = 0 AND NOT redacted ORDER BY settled_at LIMIT $3)
LIMIT $3
"""
DUE_WHOLE = """
SELECT * FROM debt WHERE agency = $1 AND settled_at <= $2 AND balance = 0 ORDER BY settled_at LIMIT $3
"""


async def lock_free(tx: Transaction, agency: str, debt_ids: Sequence[int]) -> list[DebtRow]:
    """Return those of the agency's debts that nobody else has locked, locked by id."""
    records = await tx.fetch(
        """SELECT * FROM debt WHERE debt_id = ANY($2::bigint[]) AND agency = $1
        ORDER BY debt_id FOR UPDATE SKIP LOCKED""",
        agency,
        list(debt_ids),
    )
    return [row_of(DebtRow, record) for record in records]


async def present(tx: Transaction, agency: str, debt_ids: Sequence[int]) -> list[DebtRow]:
    """Return those of the agency's debts that exist, locked by others or not."""
    records = await tx.fetch(
        "SELECT * FROM debt WHERE debt_id = ANY($2::bigint[]) AND agency = $1", agency, list(debt_ids)
    )
    return [row_of(DebtRow, record) for record in records]


async def erase(tx: Transaction, agency: str, debt_ids: Sequence[int]) -> None:
    """Delete debts whole (R53): material, ledger (its totals per day stay, H27), and payments that have no entry left.

    The payments are locked before it is asked whether an entry is left, for another disposal may have taken the other entries.
    """
    orders = [record["order_id"] for record in await tx.fetch(ERASE, list(debt_ids))]
    if not orders:
        return
    await tx.execute(
        "SELECT FROM payment WHERE agency = $1 AND order_id = ANY($2::text[]) ORDER BY order_id FOR UPDATE",
        agency,
        orders,
    )
    await tx.execute(
        """DELETE FROM payment WHERE agency = $1 AND order_id = ANY($2::text[]) AND NOT EXISTS (
            SELECT FROM debt_entry entry WHERE entry.agency = payment.agency AND entry.order_id = payment.order_id)""",
        agency,
        orders,
    )


async def erase_settled_of_patron(tx: Transaction, agency: str, patron_id: int) -> list[Erasure]:
    """Delete all that a patron has settled, due or not (R32); return what went. What is still owed stays.

    Where the agency keeps amounts for longer, a debt is a record of class `debt-amount` too.
    """
    records = await tx.fetch(
        "SELECT debt_id, amount_anchor FROM debt WHERE patron_id = $1 AND settled_at IS NOT NULL"
        " ORDER BY debt_id FOR UPDATE",
        patron_id,
    )
    debts = [record["debt_id"] for record in records]
    amounts = [record["debt_id"] for record in records if record["amount_anchor"] is not None]
    if debts:
        await erase(tx, agency, debts)
    return [
        Erasure(record_class=record_class, record_ids=ids)
        for record_class, ids in (("debt", debts), ("debt-amount", amounts))
        if ids
    ]


async def redact(tx: Transaction, debt_ids: Sequence[int]) -> None:
    """Take from debts all that leads back to an item, and their clock; amount, dates and ledger stay (R52, H26).

    A request's key is the client's own text and may name the item, so it goes too.
    """
    await tx.execute(REDACT, list(debt_ids), REDACTED_CAUSE)


async def due_for_redaction(database: Database, agency: str, cutoff: datetime, limit: int) -> list[DebtRow]:
    """Return debts settled at or before `cutoff` whose material is there, or away unknown to the register; each oldest first."""
    return _rows(await database.fetch(DUE_MATERIAL, agency, cutoff, limit))


async def due_for_erasure(database: Database, agency: str, cutoff: datetime, limit: int) -> list[DebtRow]:
    """Return debts settled at or before `cutoff`, oldest first."""
    return _rows(await database.fetch(DUE_WHOLE, agency, cutoff, limit))


def _rows(records: Sequence[asyncpg.Record]) -> list[DebtRow]:
    return [row_of(DebtRow, record) for record in records]
