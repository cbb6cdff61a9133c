"""The SQL of the check-out: one statement reads, one writes (the hot path); another reads the queue of a work that has one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import asyncpg

from glem.database import Transaction
from glem.outbox import OutboxRow

READ = """
SELECT borrower.*, item.item_id, item.branch AS item_branch, item.state, work.work_id, work.title, work.creator,
    work.type, work.age_limit,
    (SELECT count(*) FROM loan WHERE patron_id = borrower.patron_id AND returned_at IS NULL) AS open_loans,
    EXISTS (SELECT FROM reservation r WHERE r.agency = item.agency AND r.work_id = item.work_id) AS wanted
FROM borrower
LEFT JOIN item ON item.agency = $2 AND item.barcode = $3
LEFT JOIN work ON work.agency = item.agency AND work.work_id = item.work_id
WHERE borrower.patron_id = $1
FOR UPDATE OF borrower
"""
QUEUE = """
SELECT shelf.patron_id AS shelved_for, queue.ahead,
    (SELECT count(*) FROM item free WHERE free.agency = item.agency AND free.work_id = item.work_id
        AND free.state = 'available' AND queue.ahead > 0) AS free
FROM item
LEFT JOIN reservation shelf ON shelf.item_id = item.item_id
LEFT JOIN LATERAL (
    SELECT count(*) AS ahead FROM reservation r JOIN borrower b USING (patron_id)
    WHERE r.agency = item.agency AND r.work_id = item.work_id AND r.state = 'queued' AND r.expires_on >= $3
        AND r.patron_id <> $2
        AND NOT ((b.absent_from IS NOT NULL OR b.absent_until IS NOT NULL)
            AND coalesce(b.absent_from, $3) <= $3 AND coalesce(b.absent_until, $3) >= $3)
        AND NOT EXISTS (
            SELECT FROM reservation mine WHERE mine.patron_id = $2 AND mine.work_id = r.work_id
                AND (mine.placed_at, mine.reservation_id) < (r.placed_at, r.reservation_id))
) queue ON true
WHERE item.item_id = $1
"""
WRITE = """
WITH taken AS (
    UPDATE item SET state = 'on-loan' WHERE item_id = $1 AND state = $2
        AND (SELECT count(*) FROM loan WHERE patron_id = $6 AND returned_at IS NULL) < $3
        AND ($2 = 'available' OR EXISTS (SELECT FROM reservation WHERE item_id = $1 AND patron_id = $6))
    RETURNING item_id
), opened AS (
    INSERT INTO loan (loan_id, agency, patron_id, item_id, work_id, branch, loaned_at, due_on, renewals, reminders,
        clock_version)
    SELECT $4, $5, $6, item_id, $7, $8, $9, $10, 0, 0, 0 FROM taken RETURNING loan_id
), fulfilled AS (
    DELETE FROM reservation WHERE patron_id = $6 AND work_id = $7 AND EXISTS (SELECT FROM taken)
    RETURNING reservation_id, item_id
), told AS (
    INSERT INTO outbox (topic, key, payload) SELECT $11, $12, $13 FROM opened
)
SELECT opened.loan_id, fulfilled.reservation_id, fulfilled.item_id AS shelved_item
FROM opened LEFT JOIN fulfilled ON true
"""


@dataclass(frozen=True, slots=True)
class NewLoan:
    """A loan about to be written; `state` is the item's as read, `max_loans` the group's."""

    loan_id: int
    agency: str
    patron_id: int
    item_id: int
    state: str
    max_loans: int
    work_id: str
    branch: str
    loaned_at: datetime
    due_on: date


class Queue(NamedTuple):
    """Whose the item is on the shelf, how many come before the patron, and how many items of the work are in."""

    shelved_for: int | None
    ahead: int
    free: int


async def read(tx: Transaction, patron_id: int, agency: str, barcode: str) -> asyncpg.Record | None:
    """Lock the borrower and return it with the item, its work and whether anybody waits for it; None for a borrower not met."""
    return await tx.fetchrow(READ, patron_id, agency, barcode)


async def read_queue(tx: Transaction, item_id: int, patron_id: int, today: date) -> Queue:
    """Return the queue of the item's work as it is for the patron."""
    [record] = await tx.fetch(QUEUE, item_id, patron_id, today)
    return Queue(*record)


async def write(tx: Transaction, loan: NewLoan, told: OutboxRow) -> asyncpg.Record | None:
    """Open the loan, tell of it, mark the item, delete the patron's reservation of the work (R46).

    Returns None when the item or the count of loans is no longer as it was read: then nothing was written.
    """
    return await tx.fetchrow(
        WRITE,
        loan.item_id,
        loan.state,
        loan.max_loans,
        loan.loan_id,
        loan.agency,
        loan.patron_id,
        loan.work_id,
        loan.branch,
        loan.loaned_at,
        loan.due_on,
        *told,
    )
