"""A service's own book of the policy versions that were adopted: told by events, kept in a table, in memory while it runs.

Adopted changes take effect a day or more ahead, so that every service has them in its book by then.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Integer, Interval, MetaData, Table, Text

from glem.database import Database, Transaction
from glem_contracts.events import PolicyAdopted
from glem_contracts.events.envelope import Event
from glem_retention.agencies import Agencies
from glem_retention.personal import TIMESTAMP
from glem_retention.policies import PolicyTerms
from glem_retention.runtime import Runtime

REFRESH_SECONDS = 10.0


def policy_table(metadata: MetaData) -> Table:
    """Declare the book's table in a service's own metadata; nothing in it is personal."""
    info = {"personal": False}
    return Table(
        "policy_version",
        metadata,
        Column("agency", Text, primary_key=True, info=info),
        Column("record_class", Text, primary_key=True, info=info),
        Column("version", Integer, primary_key=True, autoincrement=False, info=info),
        Column("period", Interval, nullable=False, info=info),
        Column("action", Text, nullable=False, info=info),
        Column("effective", TIMESTAMP, nullable=False, info=info),
    )


class PolicyBook:
    """Keeps `runtime.agencies` up to date with the versions in the table."""

    def __init__(self, runtime: Runtime) -> None:
        """Read the book before `runtime`'s application serves, and again every few seconds: another process may have written."""
        self._runtime = runtime
        runtime.starting.append(self.read)
        runtime.every(REFRESH_SECONDS, "policies", self.read, timely=False)

    async def read(self) -> int:
        """Bring the memory up to date; raises PolicyFileError when a file contradicts what was adopted."""
        await read_versions(self._runtime.database, self._runtime.agencies)
        return 0

    async def note(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Handle PolicyAdopted; a version that is in the book stays as it is."""
        for event in events:
            if isinstance(told := event.data, PolicyAdopted):
                await tx.execute(
                    "INSERT INTO policy_version (agency, record_class, version, period, action, effective)"
                    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                    event.agency,
                    told.record_class,
                    told.version,
                    timedelta(seconds=told.period_seconds),
                    told.action,
                    told.effective,
                )
        await read_versions(tx, self._runtime.agencies)


async def read_versions(reader: Database | Transaction, agencies: Agencies) -> None:
    """Let `agencies` know all versions in the table; raises PolicyFileError when a file contradicts one."""
    rows: list[Any] = await reader.fetch(
        "SELECT agency, record_class, version, period, action, effective FROM policy_version ORDER BY version"
    )
    adopted: dict[tuple[str, str], list[PolicyTerms]] = {}
    for row in rows:
        terms = PolicyTerms(row["version"], row["period"], row["action"], row["effective"])
        adopted.setdefault((row["agency"], row["record_class"]), []).append(terms)
    agencies.adopt(adopted)
