"""The SQL of loans' erasure, for a thousand at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import asyncpg

from glem.database import Database, Transaction

# A debt holds a loan that is due at `due_at` if it was open just before, or was settled by then and after the cutoff. What
# began or was reversed later finds a loan that is gone, erased or not (H12).
HOLDS = """(settled_at IS NULL OR settled_at > $2) AND raised_at < due.due_at AND (settled_at < due.due_at
                OR (SELECT sum(entry.amount) FROM debt_entry entry WHERE entry.debt_id = debt.debt_id AND at < due.due_at) > 0)"""
ERASE = {
    "loan": f"""
        DELETE FROM loan USING unnest($1::bigint[], $3::timestamptz[]) AS due (due_id, due_at)
        WHERE loan_id = due_id AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt_material JOIN debt USING (debt_id) WHERE debt_material.loan_id = loan.loan_id AND {HOLDS})
        RETURNING loan_id""",  # noqa: S608  constants of this module
    "patron": f"""
        DELETE FROM loan USING unnest($1::bigint[], $3::timestamptz[]) AS due (due_id, due_at)
        WHERE loan_id = due_id AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt WHERE debt.patron_id = loan.patron_id AND {HOLDS})
        RETURNING loan_id""",  # noqa: S608  constants of this module
}
# Overdue is what is out of sight, by whatever moved its clock, and what has no anchor though no fact holds it. A later anchor
# remembers a settlement whose debt went before its loan, where debts are kept for a shorter time.
OVERDUE = {
    "loan": """
        SELECT loan_id, clock_version, coalesce(anchor, greatest(returned_at, (
            SELECT max(settled_at) FROM debt_material JOIN debt USING (debt_id)
            WHERE debt_material.loan_id = loan.loan_id))) AS facts
        FROM loan WHERE agency = $1 AND returned_at <= $2 AND (anchor <= $2 OR (anchor IS NULL AND NOT EXISTS (
            SELECT FROM debt_material JOIN debt USING (debt_id) WHERE debt_material.loan_id = loan.loan_id
                AND (settled_at IS NULL OR settled_at > $2))))
        ORDER BY returned_at LIMIT $3""",
    "patron": """
        SELECT loan_id, clock_version, coalesce(anchor, greatest(returned_at, (
            SELECT max(settled_at) FROM debt WHERE debt.patron_id = loan.patron_id))) AS facts
        FROM loan WHERE agency = $1 AND returned_at <= $2 AND (anchor <= $2 OR (anchor IS NULL AND NOT EXISTS (
            SELECT FROM debt WHERE debt.patron_id = loan.patron_id AND (settled_at IS NULL OR settled_at > $2))))
        ORDER BY returned_at LIMIT $3""",
}


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


async def erase(
    tx: Transaction, due: Mapping[int, datetime], cutoff: datetime, scope: Literal["loan", "patron"]
) -> list[int]:
    """Delete those locked loans (id to when it fell due) that are due by their facts; return their ids."""
    rows = await tx.fetch(ERASE[scope], list(due), cutoff, list(due.values()))
    return [record["loan_id"] for record in rows]


async def overdue(
    database: Database, agency: str, cutoff: datetime, limit: int, scope: Literal["loan", "patron"]
) -> list[asyncpg.Record]:
    """Return (loan_id, clock_version, facts) of loans that are out of sight or due by their facts, the longest returned first."""
    return await database.fetch(OVERDUE[scope], agency, cutoff, limit)
