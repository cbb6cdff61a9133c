"""The SQL of contact data; a replaced value is deleted by the statement that replaces it."""

from collections.abc import Sequence
from dataclasses import dataclass

from glem.database import Transaction, columns_of
from glem.ids import new_id
from patron_api.contacts.rules import Reach


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address; `co_name` is the host's name at a c/o address."""

    street: str
    postal_code: str
    city: str
    country: str = "DK"
    co_name: str | None = None


async def reaches(tx: Transaction, patron_id: int, channel: str) -> dict[int, Reach]:
    """Return the phones or e-mail addresses of a patron by id."""
    rows = await tx.fetch(
        "SELECT contact_id, channel, kind, value, receives FROM contact WHERE patron_id = $1 AND channel = $2",
        patron_id,
        channel,
    )
    return {row[0]: Reach(*row[1:]) for row in map(tuple, rows)}


async def replace_reaches(
    tx: Transaction, agency: str, patron_id: int, channel: str, wanted: Sequence[Reach]
) -> tuple[bool, list[int]]:
    """Make `wanted` all that a patron has in `channel`; return whether something changed, and the ids that are gone."""
    old = await reaches(tx, patron_id, channel)
    by_value = {reach.value: reach for reach in wanted}
    if set(old.values()) == set(wanted):
        return False, []
    gone = [contact_id for contact_id, reach in old.items() if reach.value not in by_value]
    kept = {contact_id: by_value[reach.value] for contact_id, reach in old.items() if reach.value in by_value}
    if gone:
        await tx.execute("DELETE FROM contact WHERE contact_id = ANY($1::bigint[])", gone)
    if kept:
        # In two steps: the index allows one receiver at any moment.
        await tx.execute("UPDATE contact SET receives = false WHERE contact_id = ANY($1::bigint[])", list(kept))
        ids, kinds, receiving = columns_of([(i, r.kind, r.receives) for i, r in kept.items()], 3)
        await tx.execute(
            "UPDATE contact c SET kind = t.kind, receives = t.receives"
            " FROM unnest($1::bigint[], $2::text[], $3::bool[]) AS t(id, kind, receives) WHERE c.contact_id = t.id",
            ids,
            kinds,
            receiving,
        )
    known = {reach.value for reach in kept.values()}
    await insert_reaches(tx, agency, patron_id, [reach for reach in wanted if reach.value not in known])
    return True, gone


async def insert_reaches(tx: Transaction, agency: str, patron_id: int, new: Sequence[Reach]) -> None:
    """Store phones and e-mail addresses of a patron."""
    if not new:
        return
    columns = columns_of([(new_id(), r.channel, r.kind, r.value, r.receives) for r in new], 5)
    await tx.execute(
        "INSERT INTO contact (contact_id, agency, patron_id, channel, kind, value, receives)"
        " SELECT id, $1, $2, channel, kind, value, receives"
        " FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bool[])"
        " AS t(id, channel, kind, value, receives)",
        agency,
        patron_id,
        *columns,
    )


async def replace_address(
    tx: Transaction, agency: str, patron_id: int, kind: str, wanted: PostalAddress | None
) -> tuple[bool, list[int]]:
    """Make `wanted` the patron's home or c/o address; return whether something changed, and the ids that are gone (R4, R8)."""
    row = await tx.fetchrow(
        "SELECT address_id, street, postal_code, city, country, co_name FROM address WHERE patron_id = $1 AND kind = $2",
        patron_id,
        kind,
    )
    old = row and PostalAddress(*tuple(row)[1:])
    if old == wanted:
        return False, []
    if row is not None:
        await tx.execute("DELETE FROM address WHERE address_id = $1", row["address_id"])
    if wanted is not None:
        await tx.execute(
            "INSERT INTO address (address_id, agency, patron_id, kind, street, postal_code, city, country, co_name)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            new_id(),
            agency,
            patron_id,
            kind,
            wanted.street,
            wanted.postal_code,
            wanted.city,
            wanted.country,
            wanted.co_name,
        )
    return True, [row["address_id"]] if row is not None else []
