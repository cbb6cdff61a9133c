"""All SQL about returns: one statement reads, one writes and tells (the hot path)."""

from datetime import datetime

import asyncpg

from glem.database import Transaction
from glem.outbox import OutboxRow
from loan_api.agency import FeeScope
from loan_api.base import Reader, row_of
from loan_api.loans.tables import LoanRow
from loan_api.reservations.store import SHELVE, Shelf

READ = """
SELECT borrower.*, loan.*, item.barcode, work.title, work.creator, work.type
FROM item JOIN work ON work.agency = item.agency AND work.work_id = item.work_id
JOIN loan ON loan.item_id = item.item_id AND loan.returned_at IS NULL
JOIN borrower ON borrower.patron_id = loan.patron_id
WHERE item.agency = $1 AND item.barcode = $2
    AND ($3::text IS NULL OR NOT EXISTS (
        SELECT FROM loan earlier WHERE earlier.item_id = item.item_id AND earlier.return_key = $3))
FOR UPDATE OF borrower, loan
"""
CLOSE = """
closed AS (
    UPDATE loan SET returned_at = $8, return_key = $9, clock_version = clock_version + 1,
        anchor = (SELECT anchor FROM loan_anchor(loan.loan_id, loan.patron_id, $8, $13))
    WHERE loan_id = $7 RETURNING loan.*
)
"""
TELL = """
, told AS (
    INSERT INTO outbox (topic, key, payload) SELECT $10, $11, $12 FROM closed WHERE closed.anchor = $8
)
"""
FINISH = """
SELECT closed.*, readied.reservation_id, readied.patron_id AS reserver, readied.pickup_branch, readied.pickup_deadline,
    readied.pickup_number
FROM closed LEFT JOIN readied ON true
"""
RETURN = "WITH " + SHELVE + "," + CLOSE + TELL + FINISH


async def read(tx: Transaction, agency: str, barcode: str, key: str | None) -> asyncpg.Record | None:
    """Lock the item's open loan and its borrower and return both; None when there is none, or `key` was answered before."""
    return await tx.fetchrow(READ, agency, barcode, key)


async def close(
    tx: Transaction,
    scope: FeeScope,
    shelf: Shelf,
    loan_id: int,
    returned_at: datetime,
    key: str | None,
    told: OutboxRow,
) -> asyncpg.Record:
    """Close the loan, set its clock from its debts, and give the item to the next in the queue.

    `told` is written to the outbox if the return alone sets the clock, that is if no debt does.

    Returns the loan's columns, and `reservation_id`, `reserver`, `pickup_branch`, … of the reservation that is ready now.
    """
    [record] = await tx.fetch(
        RETURN,
        shelf.item_id,
        shelf.agency,
        shelf.work_id,
        shelf.today,
        shelf.now,
        shelf.pickup_deadline,
        loan_id,
        returned_at,
        key,
        *told,
        scope,
    )
    return record


async def answered_before(reader: Reader, item_id: int, key: str) -> int | None:
    """Return the loan that a return with this key closed."""
    found: int | None = await reader.fetchval(
        "SELECT loan_id FROM loan WHERE item_id = $1 AND return_key = $2", item_id, key
    )
    return found


async def debts_raised_by(reader: Reader, loan_id: int) -> list[int]:
    """Return the ids of the overdue fees that stand for the loan."""
    records = await reader.fetch(
        "SELECT debt_id FROM debt JOIN debt_material USING (debt_id) WHERE loan_id = $1 AND cause = 'overdue'", loan_id
    )
    return [record["debt_id"] for record in records]


async def lock_item(tx: Transaction, item_id: int) -> str:
    """Lock an item and return its state."""
    state: str = await tx.fetchval("SELECT state FROM item WHERE item_id = $1 FOR UPDATE", item_id)
    return state


async def set_item(tx: Transaction, item_id: int, state: str) -> None:
    """Set the state of an item."""
    await tx.execute("UPDATE item SET state = $2 WHERE item_id = $1", item_id, state)


async def item_price(tx: Transaction, item_id: int) -> int:
    """Return what the item costs, in øre."""
    price: int = await tx.fetchval("SELECT price FROM item WHERE item_id = $1", item_id)
    return price


async def loss_of(tx: Transaction, item_id: int) -> tuple[int, int] | None:
    """Return (loan id, patron id) of the loan that was closed when the item was given up last."""
    record = await tx.fetchrow(
        """SELECT loan_id, patron_id FROM loan WHERE item_id = $1 AND closed_as IS NOT NULL
        ORDER BY returned_at DESC LIMIT 1""",
        item_id,
    )
    return None if record is None else (record["loan_id"], record["patron_id"])


async def patron_of(tx: Transaction, loan_id: int) -> int | None:
    """Return whose loan it is."""
    found: int | None = await tx.fetchval("SELECT patron_id FROM loan WHERE loan_id = $1", loan_id)
    return found


async def reopen(tx: Transaction, loan_id: int) -> LoanRow:
    """Open a closed loan again; an open loan has no anchor, whatever is owed for it (R33)."""
    [record] = await tx.fetch(
        """UPDATE loan SET returned_at = NULL, closed_as = NULL, return_key = NULL, anchor = NULL,
        clock_version = clock_version + 1 WHERE loan_id = $1 RETURNING *""",
        loan_id,
    )
    return row_of(LoanRow, record)


async def close_as(tx: Transaction, loan_id: int, cause: str, at: datetime, scope: FeeScope) -> LoanRow:
    """Close a loan whose item is given up, and set its clock from its debts: an older one may hold it."""
    [record] = await tx.fetch(
        """UPDATE loan SET returned_at = $3, closed_as = $2, clock_version = clock_version + 1,
            anchor = (SELECT anchor FROM loan_anchor(loan.loan_id, loan.patron_id, $3, $4))
        WHERE loan_id = $1 RETURNING *""",
        loan_id,
        cause,
        at,
        scope,
    )
    return row_of(LoanRow, record)
