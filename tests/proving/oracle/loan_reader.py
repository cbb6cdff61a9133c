"""Looking at lending and at the register alone, by plain queries that share nothing with the services."""

from datetime import date, datetime

import asyncpg

from tests.proving.oracle.looking import DEBTS, LOANS, ORPHANS, TOTALS
from tests.proving.oracle.observation import DebtRow, Line, LoanRow, Observation
from tests.proving.oracle.remembering import Work

REGISTER = """
SELECT entry, agency, record_class, record_id, outcome, done_at FROM register WHERE entry > $1 ORDER BY entry
"""


class LoanReader:
    """Two connections, and how far the register was read."""

    def __init__(self, lending: asyncpg.Connection, retention: asyncpg.Connection) -> None:
        """Look through these connections."""
        self._lending = lending
        self._retention = retention
        self._last = 0

    async def works(self) -> dict[str, dict[Work, date]]:
        """Return what is remembered for homebound patrons, by agency."""
        found: dict[str, dict[Work, date]] = {}
        for row in await self._lending.fetch("SELECT agency, patron_id, work_id, month FROM homebound_work"):
            found.setdefault(row["agency"], {})[row["patron_id"], row["work_id"]] = row["month"]
        return found

    async def look(self, now: datetime) -> Observation:
        """Read both tables whole, and the lines that the register has more since the last look."""
        # Lines that committed in another order than they were numbered would be passed over: nobody writes while one looks.
        lines = await self._retention.fetch(REGISTER, self._last)
        self._last = max((row["entry"] for row in lines), default=self._last)
        loans = await self._lending.fetch(LOANS)
        debts = await self._lending.fetch(DEBTS)
        return Observation(
            now=now,
            register=[
                Line(row["agency"], row["record_class"], row["record_id"], row["outcome"], row["done_at"])
                for row in lines
            ],
            loans={row["loan_id"]: LoanRow(*tuple(row)[1:]) for row in loans},
            debts={row["debt_id"]: DebtRow(*(*tuple(row)[1:-1], frozenset(row["loans"]))) for row in debts},
            orphans=[f"{row['name']}: {row['rows']}" for row in await self._lending.fetch(ORPHANS)],
            totals={(row["agency"], row["kind"]): row["amount"] for row in await self._lending.fetch(TOTALS)},
        )
