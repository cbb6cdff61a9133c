"""The SQL of homebound patrons' consents, which stand among the permissions."""

from collections.abc import Mapping
from datetime import date

import asyncpg

from glem.database import Database, Transaction
from glem.ids import new_id
from glem_contracts.events import HOMEBOUND_HISTORY


async def latest(reader: Database | Transaction, patron_id: int) -> asyncpg.Record | None:
    """Return the consent in force, or the last one that was."""
    return await reader.fetchrow(
        "SELECT signed_on, signed_by, wording, given_at, withdrawn_at FROM consent WHERE patron_id = $1 AND purpose = $2"
        " ORDER BY withdrawn_at IS NULL DESC, given_at DESC LIMIT 1",
        patron_id,
        HOMEBOUND_HISTORY,
    )


async def give(
    tx: Transaction, agency: str, patron_id: int, *, wording: str, by: str, signed_on: date, signed_by: str
) -> None:
    """Store a consent that was given now."""
    await tx.execute(
        "INSERT INTO consent (consent_id, agency, patron_id, purpose, wording, given_at, given_by, signed_on, signed_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new_id(),
        agency,
        patron_id,
        HOMEBOUND_HISTORY,
        wording,
        tx.now,
        by,
        signed_on,
        signed_by,
    )


async def withdraw(tx: Transaction, patron_id: int, by: str) -> bool:
    """Note that the consent in force ends now; False when there is none."""
    found = await tx.fetchval(
        "UPDATE consent SET withdrawn_at = $3, withdrawn_by = $4"
        " WHERE patron_id = $1 AND purpose = $2 AND withdrawn_at IS NULL RETURNING consent_id",
        patron_id,
        HOMEBOUND_HISTORY,
        tx.now,
        by,
    )
    return found is not None


async def count_up(tx: Transaction, patron_id: int) -> int:
    """Count the patron's version up, which orders the events about the consent; return it."""
    version: int = await tx.fetchval(
        "UPDATE patron SET version = version + 1 WHERE patron_id = $1 RETURNING version", patron_id
    )
    return version


async def in_force(tx: Transaction, groups: Mapping[str, str | None], of_age: date, limit: int) -> list[asyncpg.Record]:
    """Lock patrons whose consent may have ended: outside their agency's group (None: all), or a child's born by `of_age`."""
    return await tx.fetch(
        "SELECT c.agency, p.patron_id, p.patron_group, p.birth_date, c.signed_by"
        " FROM unnest($1::text[], $2::text[]) AS own (agency, only_group)"
        " JOIN consent c ON c.agency = own.agency JOIN patron p USING (patron_id)"
        " WHERE c.purpose = $3 AND c.withdrawn_at IS NULL"
        " AND (p.patron_group IS DISTINCT FROM own.only_group OR (c.signed_by = 'guardian' AND p.birth_date <= $4))"
        " LIMIT $5 FOR UPDATE OF p SKIP LOCKED",
        list(groups),
        list(groups.values()),
        HOMEBOUND_HISTORY,
        of_age,
        limit,
    )
