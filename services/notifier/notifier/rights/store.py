"""The SQL of erased patrons."""

from collections.abc import Collection

from glem.database import Database, Transaction


async def entomb(tx: Transaction, patrons: Collection[tuple[int, str]]) -> None:
    """Note that these patrons (id, agency) are erased."""
    ordered = sorted(patrons)
    await tx.execute(
        "INSERT INTO erased_patron (patron_id, agency) SELECT * FROM unnest($1::bigint[], $2::text[])"
        " ON CONFLICT DO NOTHING",
        [patron_id for patron_id, _ in ordered],
        [agency for _, agency in ordered],
    )


async def erased_among(tx: Transaction, patron_ids: Collection[int]) -> set[int]:
    """Return those of the patrons who are erased."""
    rows = await tx.fetch("SELECT patron_id FROM erased_patron WHERE patron_id = ANY($1::bigint[])", list(patron_ids))
    return {row["patron_id"] for row in rows}


async def remains(database: Database, patron_id: int) -> tuple[bool, int]:
    """Say whether a patron is known to be erased, and how many messages are left."""
    row = await database.fetchrow(
        "SELECT EXISTS (SELECT FROM erased_patron WHERE patron_id = $1) AS forgotten,"
        " (SELECT count(*) FROM message WHERE patron_id = $1) AS messages",
        patron_id,
    )
    return (row["forgotten"], row["messages"]) if row else (False, 0)


async def agency_of(database: Database, patron_id: int) -> str | None:
    """Return the agency whose patron has messages under `patron_id`, or None."""
    agency: str | None = await database.fetchval("SELECT agency FROM message WHERE patron_id = $1 LIMIT 1", patron_id)
    return agency
