"""The SQL of cards."""

from glem.database import Transaction
from glem.ids import new_id


async def insert(tx: Transaction, agency: str, patron_id: int, kind: str, number: str | None) -> int | None:
    """Store a card and return its id; None when the number, or the patron's health card, is there already."""
    made: int | None = await tx.fetchval(
        "INSERT INTO card (card_id, agency, patron_id, kind, number, added_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT DO NOTHING RETURNING card_id",
        new_id(),
        agency,
        patron_id,
        kind,
        number,
        tx.now,
    )
    return made


async def delete(tx: Transaction, patron_id: int, card_id: int) -> bool:
    """Delete a card with its number; False when the patron has no such card."""
    found = await tx.fetchval(
        "DELETE FROM card WHERE patron_id = $1 AND card_id = $2 RETURNING card_id", patron_id, card_id
    )
    return found is not None
