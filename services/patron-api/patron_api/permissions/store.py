"""The SQL of permissions; a row is proof and is never deleted before the patron is."""

from glem.database import Transaction
from glem.ids import new_id


async def states(tx: Transaction, patron_id: int) -> dict[str, bool]:
    """Return for each purpose that was ever decided whether its consent is in force."""
    rows = await tx.fetch(
        "SELECT purpose, bool_or(withdrawn_at IS NULL) FROM consent WHERE patron_id = $1 GROUP BY purpose", patron_id
    )
    return {row[0]: row[1] for row in rows}


async def give(tx: Transaction, agency: str, patron_id: int, purpose: str, wording: str, by: str) -> None:
    """Store a consent that was given now."""
    await tx.execute(
        "INSERT INTO consent (consent_id, agency, patron_id, purpose, wording, given_at, given_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new_id(),
        agency,
        patron_id,
        purpose,
        wording,
        tx.now,
        by,
    )


async def withdraw(tx: Transaction, patron_id: int, purpose: str, by: str) -> None:
    """Note that the consent in force is withdrawn now."""
    await tx.execute(
        "UPDATE consent SET withdrawn_at = $3, withdrawn_by = $4"
        " WHERE patron_id = $1 AND purpose = $2 AND withdrawn_at IS NULL",
        patron_id,
        purpose,
        tx.now,
        by,
    )


async def deny(tx: Transaction, agency: str, patron_id: int, purpose: str, wording: str, by: str) -> None:
    """Store that the agency's default was turned off now."""
    await tx.execute(
        "INSERT INTO consent (consent_id, agency, patron_id, purpose, wording, withdrawn_at, withdrawn_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new_id(),
        agency,
        patron_id,
        purpose,
        wording,
        tx.now,
        by,
    )
