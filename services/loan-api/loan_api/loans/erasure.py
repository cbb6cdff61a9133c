"""The SQL of loans' erasure, for a thousand at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import asyncpg

from glem.database import Database, Transaction

# A loan by its facts: returned at or before the cutoff, no open debt in scope, and no settlement in scope after the cutoff.
ERASE = {
    "loan": """
        DELETE FROM loan WHERE loan_id = ANY($1::bigint[]) AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt_material JOIN debt USING (debt_id) WHERE debt_material.loan_id = loan.loan_id
                AND (settled_at IS NULL OR settled_at > $2))
        RETURNING loan_id""",
    "patron": """
        DELETE FROM loan WHERE loan_id = ANY($1::bigint[]) AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt WHERE debt.patron_id = loan.patron_id AND (settled_at IS NULL OR settled_at > $2))
        RETURNING loan_id""",
}
# The same; but a later anchor remembers a settlement whose debt went before its loan, where debts are kept for a shorter time.
OVERDUE = {
    "loan": """
        SELECT loan_id, clock_version, greatest(returned_at, (
            SELECT max(settled_at) FROM debt_material JOIN debt USING (debt_id)
            WHERE debt_material.loan_id = loan.loan_id)) AS facts
        FROM loan WHERE agency = $1 AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt_material JOIN debt USING (debt_id) WHERE debt_material.loan_id = loan.loan_id
                AND (settled_at IS NULL OR settled_at > $2)) AND (anchor IS NULL OR anchor <= $2)
        ORDER BY returned_at LIMIT $3""",
    "patron": """
        SELECT loan_id, clock_version, greatest(returned_at, (
            SELECT max(settled_at) FROM debt WHERE debt.patron_id = loan.patron_id)) AS facts
        FROM loan WHERE agency = $1 AND returned_at <= $2 AND NOT EXISTS (
            SELECT FROM debt WHERE debt.patron_id = loan.patron_id AND (settled_at IS NULL OR settled_at > $2))
            AND (anchor IS NULL OR anchor <= $2)
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
    tx: Transaction, loan_ids: Sequence[int], cutoff: datetime, scope: Literal["loan", "patron"]
) -> list[int]:
    """Delete those locked loans that are due by their facts; return their ids."""
    return [record["loan_id"] for record in await tx.fetch(ERASE[scope], loan_ids, cutoff)]


async def overdue(
    database: Database, agency: str, cutoff: datetime, limit: int, scope: Literal["loan", "patron"]
) -> list[asyncpg.Record]:
    """Return (loan_id, clock_version, facts) of loans that are due by their facts, the longest returned first."""
    return await database.fetch(OVERDUE[scope], agency, cutoff, limit)
