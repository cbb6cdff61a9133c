"""The SQL that erases loans, up to a thousand at a time. It is the only way in which a due loan leaves the database.

The risk: a deleted loan cannot be had back. One that is deleted too early takes the proof of a debt or a dispute with it; one
that is deleted too late breaks what the library has promised its patrons.

The principle: nobody's word is enough. The retention worker orders by its own copy of the clock; here the row is locked, its
own clock is compared with the cutoff, and then the facts are read once more: the return, and every debt that holds the loan
(`loan_anchor`, anchor.sql). All three must say that it is due. A loan that its clock calls due and the facts do not is kept,
its clock is set right and told, and the worker is refused.

Due is final. From the second at which its clock makes a loan due it is seen nowhere, so what a patron is charged or what a bank
takes back later must not bring it back (H12). The facts are therefore read as they stood just before that second: `as_of`.

The transaction is the caller's (`LoanDisposer`): locks, deletes, the works that a homebound patron has agreed to keep, the log of
who looked, and the event `LoanErased` are committed together or not at all. Loans are locked in the order of their ids. One
that somebody else works on is passed over, not waited for: the order is refused for it and comes again.

A crash before the commit leaves everything as it was, and the worker orders again. A crash after it, before the worker has heard,
leaves the loans gone and the event in the outbox: the repeated order is answered with `gone`. Debts stay, with `debt_material`
naming the loan by its random id, until their own class erases or redacts them.

The audit (`overdue`) does not use the worker's clocks: it finds what is due by this database alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from glem.database import Database, Transaction
from loan_api.agency import FeeScope

# $1: loans that this transaction has locked. $2: when each fell due. $3: the latest anchor that is due. $4: fee_scope.
ERASE = """
DELETE FROM loan WHERE ctid = ANY(ARRAY(
    -- Those that are due by their facts. They are locked, so they stay where they are (`ctid`); a join to the deleted table
    -- would be planned as a search of all loans.
    SELECT loan.ctid
    FROM unnest($1::bigint[], $2::timestamptz[]) AS due (loan_id, due_at)
    JOIN loan ON loan.loan_id = due.loan_id
    CROSS JOIN LATERAL loan_anchor(loan.loan_id, loan.patron_id, loan.returned_at, $4, due.due_at) AS facts
    WHERE facts.anchor <= $3
))
RETURNING loan_id
"""
# $1: agency. $2: the latest anchor that is due. $3: how many at most. $4: fee_scope.
OVERDUE = """
SELECT loan_id, clock_version, known.anchor AS facts
FROM loan
-- The stored anchor counts where there is one: by it the loan is out of sight, and it remembers a settlement whose debt was
-- erased before the loan. Where there is none, the facts must say what holds the loan.
CROSS JOIN LATERAL (
    SELECT coalesce(loan.anchor, (
        SELECT anchor FROM loan_anchor(loan.loan_id, loan.patron_id, loan.returned_at, $4)
    )) AS anchor
) AS known
WHERE agency = $1 AND returned_at <= $2 AND known.anchor <= $2
ORDER BY returned_at LIMIT $3
"""


async def lock_free(tx: Transaction, agency: str, loan_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Lock those of the agency's loans that nobody else works on; return (loan_id, clock_version, anchor) of each."""
    return await tx.fetch(
        """SELECT loan_id, clock_version, anchor FROM loan WHERE loan_id = ANY($1::bigint[]) AND agency = $2
        ORDER BY loan_id FOR UPDATE SKIP LOCKED""",
        loan_ids,
        agency,
    )


async def present(tx: Transaction, agency: str, loan_ids: Sequence[int]) -> list[asyncpg.Record]:
    """Return (loan_id, clock_version, anchor) of those loans that are there, locked or not."""
    return await tx.fetch(
        "SELECT loan_id, clock_version, anchor FROM loan WHERE loan_id = ANY($1::bigint[]) AND agency = $2",
        loan_ids,
        agency,
    )


async def erase(tx: Transaction, due: Mapping[int, datetime], cutoff: datetime, scope: FeeScope) -> list[int]:
    """Delete those locked loans (id to when it fell due) that are due by their facts; return their ids."""
    rows = await tx.fetch(ERASE, list(due), list(due.values()), cutoff, scope)
    return [record["loan_id"] for record in rows]


async def overdue(
    database: Database, agency: str, cutoff: datetime, limit: int, scope: FeeScope
) -> list[asyncpg.Record]:
    """Return (loan_id, clock_version, facts) of loans that are out of sight or due by their facts, the longest returned first."""
    return await database.fetch(OVERDUE, agency, cutoff, limit, scope)
