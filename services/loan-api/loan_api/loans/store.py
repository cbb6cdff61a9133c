"""All SQL about loans and their clocks; the check-out's is in `desk`."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from glem.database import Transaction
from glem_contracts.events.envelope import RecordClock
from loan_api.agency import FeeScope
from loan_api.base import Reader, row_of
from loan_api.loans.tables import LoanRow

# $1: loans; $2: the agency's fee_scope.
RECOMPUTE = """
-- Lock in the order of the ids, as every disposal does.
WITH locked AS (
    SELECT loan_id, patron_id, returned_at FROM loan WHERE loan_id = ANY($1::bigint[]) ORDER BY loan_id FOR UPDATE
), facts AS (
    SELECT locked.loan_id, found.anchor
    FROM locked CROSS JOIN LATERAL loan_anchor(locked.loan_id, locked.patron_id, locked.returned_at, $2) AS found
)
UPDATE loan SET anchor = facts.anchor, clock_version = clock_version + 1
FROM facts WHERE loan.loan_id = facts.loan_id AND loan.anchor IS DISTINCT FROM facts.anchor
RETURNING loan.loan_id, loan.clock_version, loan.anchor
"""

VIEW = """
SELECT loan.*, item.barcode AS item, work.title, work.creator, work.type, queue.ahead,
    (SELECT count(*) FROM item free WHERE free.agency = loan.agency AND free.work_id = loan.work_id
        AND free.state = 'available' AND queue.ahead > 0) AS free
FROM loan JOIN item USING (item_id) JOIN work ON work.agency = loan.agency AND work.work_id = loan.work_id
LEFT JOIN LATERAL (
    SELECT count(*) AS ahead FROM reservation JOIN borrower USING (patron_id)
    WHERE loan.returned_at IS NULL AND reservation.agency = loan.agency AND reservation.work_id = loan.work_id
        AND state = 'queued' AND expires_on >= $2 AND reservation.patron_id <> loan.patron_id
        AND NOT ((absent_from IS NOT NULL OR absent_until IS NOT NULL)
            AND coalesce(absent_from, $2) <= $2 AND coalesce(absent_until, $2) >= $2)
) queue ON true
"""
ONE = VIEW + "WHERE loan.loan_id = $1"
OF_PATRON = (
    VIEW
    + """
WHERE loan.patron_id = $1 AND (loan.anchor IS NULL OR $3::timestamptz IS NULL OR loan.anchor > $3)
ORDER BY loan.returned_at IS NOT NULL, loan.due_on, loan.loan_id
"""
)


async def lock_loan(tx: Transaction, loan_id: int) -> LoanRow | None:
    """Return the loan, locked until the transaction ends, due or not; ask `rules.is_due` of its anchor."""
    record = await tx.fetchrow("SELECT * FROM loan WHERE loan_id = $1 FOR UPDATE", loan_id)
    return None if record is None else row_of(LoanRow, record)


async def loans_of_patron(tx: Transaction, patron_id: int) -> list[int]:
    """Return the ids of all the patron's loans, open and closed."""
    return [record["loan_id"] for record in await tx.fetch("SELECT loan_id FROM loan WHERE patron_id = $1", patron_id)]


async def recompute_clocks(tx: Transaction, loan_ids: Sequence[int], scope: FeeScope) -> list[RecordClock]:
    """Set each loan's anchor to what its return and debts make it (anchor.sql); return the clocks that moved, for the event.

    The borrower must be locked, so that no other debt comes in between.
    """
    return [
        RecordClock(
            record_class="loan",
            record_id=record["loan_id"],
            version=record["clock_version"],
            anchor=record["anchor"],
        )
        for record in await tx.fetch(RECOMPUTE, list(loan_ids), scope)
    ]


async def find(reader: Reader, loan_id: int, today: date) -> asyncpg.Record | None:
    """Return a loan with item, work and queue, due or not; ask `rules.is_due` of its anchor."""
    return await reader.fetchrow(ONE, loan_id, today)


async def of_patron(reader: Reader, patron_id: int, today: date, cutoff: datetime | None) -> list[asyncpg.Record]:
    """Return a patron's loans, open ones first, without those that are due at `cutoff`."""
    return await reader.fetch(OF_PATRON, patron_id, today, cutoff)


async def open_loan_of(reader: Reader, item_id: int, patron_id: int) -> int | None:
    """Return the id of the item's open loan, if it is the patron's."""
    found: int | None = await reader.fetchval(
        "SELECT loan_id FROM loan WHERE item_id = $1 AND patron_id = $2 AND returned_at IS NULL", item_id, patron_id
    )
    return found


async def loan_begun(reader: Reader, patron_id: int, item_id: int, loaned_at: datetime) -> int | None:
    """Return the id of the patron's loan of the item that began at that instant."""
    found: int | None = await reader.fetchval(
        "SELECT loan_id FROM loan WHERE patron_id = $1 AND item_id = $2 AND loaned_at = $3",
        patron_id,
        item_id,
        loaned_at,
    )
    return found


async def renew(tx: Transaction, loan_id: int, due_on: date) -> int:
    """Give a loan its new due date, and reminders a new start; return how often it has been renewed now."""
    renewals: int = await tx.fetchval(
        "UPDATE loan SET due_on = $2, renewals = renewals + 1, reminders = 0 WHERE loan_id = $1 RETURNING renewals",
        loan_id,
        due_on,
    )
    return renewals


async def erase_closed_loans(tx: Transaction, patron_id: int) -> list[int]:
    """Delete the closed loans of a patron who goes (H38); return their ids."""
    records = await tx.fetch(
        "DELETE FROM loan WHERE patron_id = $1 AND returned_at IS NOT NULL RETURNING loan_id", patron_id
    )
    return [record["loan_id"] for record in records]
