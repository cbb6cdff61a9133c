"""The rival of erasure: deletes the same rows from copies of the tables, in batches of ids, and does nothing else."""

import time
from collections.abc import Iterator, Sequence

from glem.database import Database
from glem_retention.agencies import Agencies

BATCH = 1000
TABLES = ("loan", "debt", "debt_material", "debt_entry", "payment")
IDS = "= ANY($1::bigint[])"
LOAN = (f"DELETE FROM loan_copy WHERE loan_id {IDS}",)
MATERIAL = f"DELETE FROM debt_material_copy WHERE debt_id {IDS}"
DEBT = (
    f"""DELETE FROM payment_copy WHERE (agency, order_id) IN
        (SELECT agency, order_id FROM debt_entry_copy WHERE order_id IS NOT NULL AND debt_id {IDS})""",
    f"DELETE FROM debt_entry_copy WHERE debt_id {IDS}",
    MATERIAL,
    f"DELETE FROM debt_copy WHERE debt_id {IDS}",
)
REDACTED_DEBT = (
    MATERIAL,
    f"UPDATE debt_copy SET cause = 'redacted', due_on = NULL, redacted = true WHERE debt_id {IDS}",
)


class Copies:
    """Copies of the tables of loan-api, with their indexes."""

    def __init__(self, loans: Database, agencies: Agencies) -> None:
        """Copy the tables of `loans`; a debt is deleted or redacted as the policy of its agency says."""
        self._loans = loans
        self._redacting = [isil for isil, agency in agencies.items() if agency.retention["debt"].action == "redact"]

    async def make(self) -> None:
        """Copy the tables as they are now."""
        for table in TABLES:
            await self._loans.execute(f"DROP TABLE IF EXISTS {table}_copy")
            await self._loans.execute(f"CREATE TABLE {table}_copy (LIKE {table} INCLUDING ALL)")
            await self._loans.execute(f"INSERT INTO {table}_copy SELECT * FROM {table}", timeout=300)
            await self._loans.execute(f"ANALYZE {table}_copy")

    async def delete(self) -> float:
        """Delete or redact all due rows, oldest first; return the seconds."""
        loans = await self._ids("SELECT loan_id FROM loan_copy ORDER BY anchor")
        debts = "SELECT debt_id FROM debt_copy WHERE NOT redacted AND (agency = ANY($1)) = $2 ORDER BY anchor"
        redacted, erased = [await self._ids(debts, self._redacting, redacts) for redacts in (True, False)]
        started = time.perf_counter()
        async with self._loans.connection() as connection:
            for statements, ids in ((LOAN, loans), (DEBT, erased), (REDACTED_DEBT, redacted)):
                for part in _batches(ids):
                    async with connection.transaction():
                        for statement in statements:
                            await connection.execute(statement, part)
        return time.perf_counter() - started

    async def _ids(self, query: str, *values: object) -> list[int]:
        return [record[0] for record in await self._loans.fetch(query, *values)]


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))
