"""All SQL about works and items."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from glem.database import Database, Transaction, columns_of
from loan_api.base import Reader
from loan_api.works.schemas import ItemLine, WorkLine

SAVE_WORKS = """
WITH saved AS (
    INSERT INTO work (agency, work_id, title, creator, type, language, popularity_rank, age_limit)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[])
    ON CONFLICT (agency, work_id) DO UPDATE SET title = excluded.title, creator = excluded.creator,
        type = excluded.type, language = excluded.language, popularity_rank = excluded.popularity_rank,
        age_limit = excluded.age_limit
    RETURNING (xmax = 0) AS new
) SELECT count(*) FILTER (WHERE new) AS imported, count(*) FILTER (WHERE NOT new) AS updated FROM saved
"""
SAVE_ITEMS = """
WITH saved AS (
    INSERT INTO item (item_id, agency, barcode, work_id, branch, price, state)
    SELECT line.id, $1, line.barcode, line.work_id, line.branch, line.price,
        CASE WHEN line.withdrawn THEN 'withdrawn' ELSE 'available' END
    FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bool[])
        AS line (id, barcode, work_id, branch, price, withdrawn)
    ON CONFLICT (agency, barcode) DO UPDATE SET work_id = excluded.work_id, branch = excluded.branch,
        price = excluded.price, state = CASE
            WHEN excluded.state = 'withdrawn' AND item.state IN ('available', 'lost') THEN 'withdrawn'
            WHEN excluded.state = 'available' AND item.state = 'withdrawn' THEN 'available'
            ELSE item.state END
    RETURNING (xmax = 0) AS new
) SELECT count(*) FILTER (WHERE new) AS imported, count(*) FILTER (WHERE NOT new) AS updated FROM saved
"""
VIEW = """
SELECT work.work_id, title, creator, type, language, age_limit, popularity_rank,
    coalesce(copies.items, 0) AS items, coalesce(copies.available, 0) AS available, coalesce(queue.length, 0) AS reservations
FROM work
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state NOT IN ('lost', 'withdrawn')) AS items,
        count(*) FILTER (WHERE state = 'available') AS available
    FROM item WHERE item.agency = work.agency AND item.work_id = work.work_id
) copies ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS length FROM reservation
    WHERE reservation.agency = work.agency AND reservation.work_id = work.work_id
) queue ON true
"""
SEARCH = (
    VIEW
    + """
WHERE work.agency = $1 AND (title ILIKE $2 OR creator ILIKE $2 OR work.work_id = $3)
ORDER BY popularity_rank NULLS LAST, work.work_id LIMIT $4
"""
)
ONE = VIEW + "WHERE work.agency = $1 AND work.work_id = $2"


class Saved(NamedTuple):
    """How many of a batch were new, and how many known."""

    imported: int
    updated: int


async def save_works(tx: Transaction, agency: str, works: Sequence[WorkLine]) -> Saved:
    """Write works, each id once."""
    rows = [
        (
            work.record_id,
            work.title,
            work.creator or "",
            work.type,
            work.language or "",
            work.popularity_rank,
            work.age_limit,
        )
        for work in works
    ]
    [saved] = await tx.fetch(SAVE_WORKS, agency, *columns_of(rows, 7))
    return Saved(*saved)


async def save_items(tx: Transaction, agency: str, items: Sequence[tuple[int, ItemLine]]) -> Saved:
    """Write items with the ids for new ones, each barcode once; a known item keeps its id and its state."""
    rows = [(item_id, item.barcode, item.record_id, item.branch, item.price, item.withdrawn) for item_id, item in items]
    [saved] = await tx.fetch(SAVE_ITEMS, agency, *columns_of(rows, 6))
    return Saved(*saved)


async def known_works(reader: Reader, agency: str, work_ids: Sequence[str]) -> set[str]:
    """Return those of `work_ids` that the agency has."""
    records = await reader.fetch(
        "SELECT work_id FROM work WHERE agency = $1 AND work_id = ANY($2::text[])", agency, work_ids
    )
    return {record["work_id"] for record in records}


async def search_works(database: Database, agency: str, words: str, limit: int) -> list[asyncpg.Record]:
    """Return works whose title or creator contains `words`, or whose id it is, the most popular first."""
    literal = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return await database.fetch(SEARCH, agency, f"%{literal}%", words, limit)


async def find_work(database: Database, agency: str, work_id: str) -> asyncpg.Record | None:
    """Return a work with its availability."""
    return await database.fetchrow(ONE, agency, work_id)


async def items_of_work(database: Database, agency: str, work_id: str) -> list[asyncpg.Record]:
    """Return the items of a work."""
    return await database.fetch(
        """SELECT item.*, work.title FROM item JOIN work USING (agency, work_id)
        WHERE agency = $1 AND work_id = $2 ORDER BY barcode""",
        agency,
        work_id,
    )


async def find_item(reader: Reader, agency: str, barcode: str) -> asyncpg.Record | None:
    """Return an item by its barcode."""
    return await reader.fetchrow(
        """SELECT item.*, work.title, work.creator, work.type FROM item JOIN work USING (agency, work_id)
        WHERE agency = $1 AND barcode = $2""",
        agency,
        barcode,
    )
