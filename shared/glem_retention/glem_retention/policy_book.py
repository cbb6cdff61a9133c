"""A service's own table of adopted policy versions: filled by events, and cached in memory.

A change takes effect at least a day after its adoption, so that every service has received it by then.
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
    """Declare the table in a service's own metadata; nothing in it is personal."""
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
        """Read the table before `runtime`'s application serves, and again every few seconds: another process may have written to it."""
        self._runtime = runtime
        runtime.starting.append(self.read)
        runtime.every(REFRESH_SECONDS, "policies", self.read, timely=False)

    async def read(self) -> int:
        """Read the table into memory; raises PolicyFileError when a file contradicts an adopted version."""
        await read_versions(self._runtime.database, self._runtime.agencies)
        return 0

    async def note(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Handle PolicyAdopted; a version that is stored already is not changed."""
        for event in events:
            if isinstance(version := event.data, PolicyAdopted):
                await tx.execute(
                    "INSERT INTO policy_version (agency, record_class, version, period, action, effective)"
                    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                    event.agency,
                    version.record_class,
                    version.version,
                    timedelta(seconds=version.period_seconds),
                    version.action,
                    version.effective,
                )
        await read_versions(tx, self._runtime.agencies)


async def read_versions(reader: Database | Transaction, agencies: Agencies) -> None:
    """Give `agencies` all versions in the table; raises PolicyFileError when a file contradicts one."""
    rows: list[Any] = await reader.fetch(
        "SELECT agency, record_class, version, period, action, effective FROM policy_version ORDER BY version"
    )
    adopted: dict[tuple[str, str], list[PolicyTerms]] = {}
    for row in rows:
        terms = PolicyTerms(row["version"], row["period"], row["action"], row["effective"])
        adopted.setdefault((row["agency"], row["record_class"]), []).append(terms)
    agencies.adopt(adopted)
