"""All SQL about debts, their material, their ledger and payments; what erases them is in `erasure`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

from glem.database import Database, Transaction, columns_of
from glem.ids import new_id
from loan_api.agency import FeeScope
from loan_api.base import Reader, row_of
from loan_api.debts.tables import DebtRow, EntryRow, PaymentRow
from loan_api.loans.tables import LoanRow

INSERT = """
WITH raised AS (
    INSERT INTO debt (debt_id, agency, patron_id, kind, cause, amount, balance, raised_at, due_on, redacted, clock_version)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, false, $9)
), materials AS (
    INSERT INTO debt_material (debt_id, loan_id, item_id, work_id)
    SELECT $1, loan_id, item_id, work_id FROM unnest($10::bigint[], $11::bigint[], $12::text[])
        AS loans (loan_id, item_id, work_id)
)
INSERT INTO debt_entry (entry_id, debt_id, agency, kind, amount, at, order_id) VALUES ($13, $1, $2, 'raised', $6, $7, $14)
"""
UPDATE = """
UPDATE debt SET balance = news.balance, settled_at = news.settled_at, anchor = news.anchor,
    amount_anchor = news.amount_anchor, clock_version = news.clock_version
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::int[])
    AS news (debt_id, balance, settled_at, anchor, amount_anchor, clock_version)
WHERE debt.debt_id = news.debt_id
"""
FEE_OF_DAY = """
SELECT debt.* FROM debt
JOIN debt_material material USING (debt_id) JOIN loan USING (loan_id)
WHERE debt.patron_id = $1 AND debt.kind = 'fee' AND debt.cause = 'overdue' AND debt.due_on = $2
    AND loan.returned_at >= $3 AND loan.returned_at < $4
ORDER BY debt.raised_at DESC LIMIT 1 FOR UPDATE OF debt
"""
HELD_BY_LOAN = """
SELECT DISTINCT loan_id FROM debt_material JOIN loan USING (loan_id)
WHERE debt_id = ANY($1::bigint[]) AND (anchor IS NULL OR anchor > coalesce($2::timestamptz, '-infinity'))
"""
HELD_BY_PATRON = """
SELECT loan_id FROM loan
WHERE patron_id = $1 AND returned_at IS NOT NULL AND (anchor IS NULL OR anchor > coalesce($2::timestamptz, '-infinity'))
"""
MATERIALS = """
SELECT debt_id, loan_id, material.work_id, title, creator
FROM debt_material material JOIN debt USING (debt_id)
LEFT JOIN work ON work.agency = debt.agency AND work.work_id = material.work_id
WHERE debt_id = ANY($1::bigint[]) ORDER BY debt_id, title, loan_id
"""
RESOLVE = """
SELECT debt_id, patron_id, kind, cause, amount, balance, raised_at, coalesce(titles, '{}') AS titles
FROM debt JOIN unnest($2::text[], $3::timestamptz[]) AS due (agency, cutoff) USING (agency)
LEFT JOIN LATERAL (
    SELECT array_agg(title ORDER BY title) AS titles FROM debt_material material
    JOIN work ON work.agency = debt.agency AND work.work_id = material.work_id
    WHERE material.debt_id = debt.debt_id
) AS named ON true
WHERE debt_id = ANY($1::bigint[]) AND (settled_at IS NULL OR cutoff IS NULL OR settled_at > cutoff)
"""


async def insert_debt(tx: Transaction, debt: DebtRow, loans: Sequence[LoanRow], order_id: str | None = None) -> None:
    """Write a new debt, the first line of its ledger (with `order_id`), and the loans that it is for."""
    materials = columns_of([(loan.loan_id, loan.item_id, loan.work_id) for loan in loans], 3)
    await tx.execute(
        INSERT,
        *(debt.debt_id, debt.agency, debt.patron_id, debt.kind, debt.cause, debt.amount, debt.raised_at, debt.due_on),
        debt.clock_version,
        *materials,
        new_id(),
        order_id,
    )


async def write_debts(tx: Transaction, debts: Sequence[DebtRow]) -> None:
    """Write what an entry has moved: balance, settlement and clocks."""
    rows = [(d.debt_id, d.balance, d.settled_at, d.anchor, d.amount_anchor, d.clock_version) for d in debts]
    await tx.execute(UPDATE, *columns_of(rows, 6))


async def add_entries(tx: Transaction, agency: str, entries: Sequence[EntryRow]) -> None:
    """Write lines of the ledger."""
    rows = [(e.entry_id, e.debt_id, agency, e.kind, e.amount, e.at, e.order_id) for e in entries]
    await tx.execute(
        """INSERT INTO debt_entry (entry_id, debt_id, agency, kind, amount, at, order_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[])""",
        *columns_of(rows, 7),
    )


async def find_debt(reader: Reader, debt_id: int) -> DebtRow | None:
    """Return the debt as it is now, unlocked, due or not."""
    record = await reader.fetchrow("SELECT * FROM debt WHERE debt_id = $1", debt_id)
    return None if record is None else row_of(DebtRow, record)


async def lock_debts(tx: Transaction, debt_ids: Sequence[int]) -> list[DebtRow]:
    """Return those of the debts that exist, locked by id; after the borrower and the loans (see `ledger`)."""
    records = await tx.fetch(
        "SELECT * FROM debt WHERE debt_id = ANY($1::bigint[]) ORDER BY debt_id FOR UPDATE", list(debt_ids)
    )
    return [row_of(DebtRow, record) for record in records]


async def lock_open_debts(tx: Transaction, patron_id: int) -> list[DebtRow]:
    """Return what the patron owes, locked by id; the borrower is locked already."""
    records = await tx.fetch(
        "SELECT * FROM debt WHERE patron_id = $1 AND settled_at IS NULL ORDER BY debt_id FOR UPDATE", patron_id
    )
    return [row_of(DebtRow, record) for record in records]


async def lock_debts_of_loan(tx: Transaction, loan_id: int, kind: str) -> list[DebtRow]:
    """Return the debts of this kind that are for the loan, settled ones too, locked by id."""
    records = await tx.fetch(
        """SELECT debt.* FROM debt JOIN debt_material USING (debt_id) WHERE loan_id = $1 AND kind = $2
        ORDER BY debt_id FOR UPDATE OF debt""",
        loan_id,
        kind,
    )
    return [row_of(DebtRow, record) for record in records]


async def debts_of_patron(reader: Reader, patron_id: int) -> list[DebtRow]:
    """Return all the patron's debts, due ones too, oldest first."""
    records = await reader.fetch("SELECT * FROM debt WHERE patron_id = $1 ORDER BY raised_at, debt_id", patron_id)
    return [row_of(DebtRow, record) for record in records]


async def lock_fee_of_day(
    tx: Transaction, patron_id: int, due_on: date, since: datetime, until: datetime
) -> DebtRow | None:
    """Return the overdue fee for what the patron had due on `due_on` and returned in [since, until), locked."""
    record = await tx.fetchrow(FEE_OF_DAY, patron_id, due_on, since, until)
    return None if record is None else row_of(DebtRow, record)


async def add_material(tx: Transaction, debt_id: int, loan: LoanRow) -> None:
    """Let a debt be for one more loan."""
    await tx.execute(
        """INSERT INTO debt_material (debt_id, loan_id, item_id, work_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING""",
        debt_id,
        loan.loan_id,
        loan.item_id,
        loan.work_id,
    )


async def remove_material(tx: Transaction, debt_id: int, loan_id: int) -> int:
    """Let a debt no longer be for this loan; return for how many it still is."""
    await tx.execute("DELETE FROM debt_material WHERE debt_id = $1 AND loan_id = $2", debt_id, loan_id)
    left: int = await tx.fetchval("SELECT count(*) FROM debt_material WHERE debt_id = $1", debt_id)
    return left


async def held_loans(
    tx: Transaction,
    scope: FeeScope,
    patron_id: int,
    debt_ids: Sequence[int],
    cutoff: datetime | None,
) -> list[int]:
    """Return the loans that these debts bear upon; never one that is due, which a debt cannot bring back (H12)."""
    if scope == "patron":
        records = await tx.fetch(HELD_BY_PATRON, patron_id, cutoff)
    else:
        records = await tx.fetch(HELD_BY_LOAN, list(debt_ids), cutoff)
    return [record["loan_id"] for record in records]


async def is_held(tx: Transaction, loan_id: int) -> bool:
    """Say whether the loan's clock stands still."""
    return bool(await tx.fetchval("SELECT anchor IS NULL FROM loan WHERE loan_id = $1", loan_id))


async def materials(reader: Reader, debt_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Return (debt_id, loan_id, work_id, title, creator) of what the debts are for."""
    found: list[asyncpg.Record] = await reader.fetch(MATERIALS, list(debt_ids))
    return found


async def entries_of_debt(reader: Reader, debt_id: int) -> list[EntryRow]:
    """Return the debt's ledger, oldest first."""
    records = await reader.fetch(
        "SELECT * FROM debt_entry WHERE debt_id = $1 ORDER BY at, kind <> 'raised', entry_id", debt_id
    )
    return [row_of(EntryRow, record) for record in records]


async def entries_of_order(reader: Reader, agency: str, order_id: str) -> list[EntryRow]:
    """Return what an order paid, debt by debt; a reversal is not among it."""
    records = await reader.fetch(
        """SELECT * FROM debt_entry WHERE agency = $1 AND order_id = $2 AND kind = 'payment'
        ORDER BY debt_id, entry_id""",
        agency,
        order_id,
    )
    return [row_of(EntryRow, record) for record in records]


async def entry_of_order(reader: Reader, agency: str, kind: str, order_id: str) -> EntryRow | None:
    """Return the line of this kind that an order has made, the first if it was several."""
    record = await reader.fetchrow(
        "SELECT * FROM debt_entry WHERE agency = $1 AND order_id = $2 AND kind = $3 ORDER BY at, entry_id LIMIT 1",
        agency,
        order_id,
        kind,
    )
    return None if record is None else row_of(EntryRow, record)


async def find_payment(reader: Reader, agency: str, order_id: str) -> PaymentRow | None:
    """Return the payment with this order id."""
    record = await reader.fetchrow("SELECT * FROM payment WHERE agency = $1 AND order_id = $2", agency, order_id)
    return None if record is None else row_of(PaymentRow, record)


async def claim_order(tx: Transaction, payment: PaymentRow) -> bool:
    """Write the payment; False when its order id is taken, after waiting for whoever was taking it."""
    status = await tx.execute(
        """INSERT INTO payment (agency, order_id, patron_id, amount, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (agency, order_id) DO NOTHING""",
        payment.agency,
        payment.order_id,
        payment.patron_id,
        payment.amount,
        payment.at,
    )
    return bool(status == "INSERT 0 1")


async def mark_reversed(tx: Transaction, payment: PaymentRow, at: datetime) -> None:
    """Note that a payment was taken back."""
    await tx.execute(
        "UPDATE payment SET reversed_at = $3 WHERE agency = $1 AND order_id = $2", payment.agency, payment.order_id, at
    )


async def resolve_debts(
    database: Database, debt_ids: Sequence[int], cutoffs: Mapping[str, datetime | None]
) -> list[dict[str, Any]]:
    """Return {debt_id, patron_id, kind, cause, amount, balance, raised_at, titles} of the debts that are not due.

    `cutoffs`: by agency, for class `debt`; None where it has no policy. A debt of any other agency is left out.
    """
    records = await database.fetch(RESOLVE, list(debt_ids), list(cutoffs), list(cutoffs.values()))
    return [dict(record) for record in records]
