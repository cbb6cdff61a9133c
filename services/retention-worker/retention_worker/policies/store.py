"""All SQL about policies and their changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from glem.database import Database, Transaction

Reader = Database | Transaction
PROPOSALS = """
    SELECT p.*, v.version, array_agg(s.kind ORDER BY s.step) AS kinds, array_agg(s.account ORDER BY s.step) AS accounts,
           array_agg(s.at ORDER BY s.step) AS times, array_agg(s.records ORDER BY s.step) AS numbers
    FROM policy_proposal p JOIN policy_step s USING (proposal_id) LEFT JOIN policy_version v USING (proposal_id)
"""


class Hit(NamedTuple):
    """How many records a change makes due, how many of these are under legal hold, and the oldest of their anchors."""

    records: int
    held: int
    oldest: datetime | None


async def lock(tx: Transaction, agency: str, record_class: str) -> None:
    """Keep others from changing the same policy, for this transaction."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"policy/{agency}/{record_class}")


async def versions(reader: Reader) -> list[dict[str, Any]]:
    """Return every version that was adopted, in order."""
    rows = await reader.fetch("SELECT * FROM policy_version ORDER BY agency, record_class, version")
    return [dict(row) for row in rows]


async def insert_version(tx: Transaction, version: Mapping[str, Any]) -> bool:
    """Enter a version; return False when it is there already."""
    status = await tx.execute(
        """
        INSERT INTO policy_version (agency, record_class, version, period, action, effective, wording_da, wording_en,
                                    rows, stated, proposal_id, adopted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
        """,
        version["agency"],
        version["record_class"],
        version["version"],
        version["period"],
        version["action"],
        version["effective"],
        version["wording_da"],
        version["wording_en"],
        version["rows"],
        version["stated"],
        version["proposal_id"],
        version["adopted_at"],
    )
    return int(status.split()[-1]) == 1


async def insert_proposal(tx: Transaction, proposal: Mapping[str, Any]) -> None:
    """Enter a proposal, without its first step."""
    await tx.execute(
        """
        INSERT INTO policy_proposal (proposal_id, agency, record_class, period, wording_da, wording_en, effective, proposed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        proposal["proposal_id"],
        proposal["agency"],
        proposal["record_class"],
        proposal["period"],
        proposal["wording_da"],
        proposal["wording_en"],
        proposal["effective"],
        proposal["proposed_at"],
    )


async def insert_step(
    tx: Transaction, proposal: Mapping[str, Any], kind: str, account: str, at: datetime, records: int | None = None
) -> int:
    """Enter a step of a proposal; return its id."""
    step: int = await tx.fetchval(
        "INSERT INTO policy_step (proposal_id, agency, kind, account, at, records) VALUES ($1, $2, $3, $4, $5, $6)"
        " RETURNING step",
        proposal["proposal_id"],
        proposal["agency"],
        kind,
        account,
        at,
        records,
    )
    return step


async def proposal(reader: Reader, proposal_id: int) -> dict[str, Any] | None:
    """Return a proposal with its steps."""
    row = await reader.fetchrow(f"{PROPOSALS} WHERE p.proposal_id = $1 GROUP BY p.proposal_id, v.version", proposal_id)
    return dict(row) if row is not None else None


async def lock_proposal(tx: Transaction, proposal_id: int) -> None:
    """Keep others from ending the same proposal, for this transaction."""
    await tx.execute("SELECT FROM policy_proposal WHERE proposal_id = $1 FOR UPDATE", proposal_id)


async def proposals(database: Database, agency: str | None, limit: int) -> list[dict[str, Any]]:
    """Return the newest proposals of one agency or of all."""
    rows = await database.fetch(
        f"{PROPOSALS} WHERE $1::text IS NULL OR p.agency = $1 GROUP BY p.proposal_id, v.version"
        " ORDER BY p.proposed_at DESC, p.proposal_id LIMIT $2",
        agency,
        limit,
    )
    return [dict(row) for row in rows]


async def anchored(
    reader: Reader, agency: str, record_class: str, after: datetime, until: datetime, held_at: datetime
) -> Hit:
    """Count the clocks anchored after `after`, up to and with `until`."""
    [row] = await reader.fetch(
        """
        SELECT count(*) AS records, min(anchor) AS oldest, (
            SELECT count(*) FROM clock
            WHERE agency = $1 AND record_class = $2 AND anchor > $3 AND anchor <= $4
              AND held_until IS NOT NULL AND held_until > $5
        ) AS held
        FROM clock WHERE agency = $1 AND record_class = $2 AND anchor > $3 AND anchor <= $4
        """,
        agency,
        record_class,
        after,
        until,
        held_at,
    )
    return Hit(row["records"], row["held"], row["oldest"])
