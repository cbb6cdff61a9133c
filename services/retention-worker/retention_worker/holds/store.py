"""All SQL about legal holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from glem.database import Database, Transaction, columns_of

Record = tuple[str, int]
Row = dict[str, Any]
UNSEEN = -1


class Obstacles(NamedTuple):
    """What forbids a hold."""

    gone: list[Record]
    elsewhere: list[Record]
    in_hand: list[Record]


async def enclose(
    tx: Transaction, agency: str, records: Sequence[Record], cutoffs: Mapping[str, datetime | None]
) -> Obstacles:
    """Lock the clocks of `records`, making one of version -1 where no event has told of any; say what forbids a hold.

    What is due by `cutoffs` (of each record class), and was ordered away without an answer so far, may be gone: it is in hand
    until the owner has said so, or that it is not.

    From here to the end of the transaction no sweep can take them: it passes over what is locked, and looks again at what
    has changed since it began to read.
    """
    ordered = sorted(records)
    await tx.execute(
        """
        INSERT INTO clock (record_class, record_id, agency, version, tries)
        SELECT n.record_class, n.record_id, $3, $4, 0
        FROM unnest($1::text[], $2::bigint[]) AS n (record_class, record_id)
        ON CONFLICT (record_class, record_id) DO UPDATE SET tries = clock.tries
        """,
        *columns_of(ordered, 2),
        agency,
        UNSEEN,
    )
    rows = await tx.fetch(
        """
        SELECT c.record_class, c.record_id, c.agency <> $3 AS elsewhere,
            (c.leased_until > clock_timestamp() OR c.leased_until IS NOT NULL AND c.anchor <= due.cutoff) IS TRUE AS in_hand,
            EXISTS (SELECT FROM register r WHERE r.record_class = c.record_class AND r.record_id = c.record_id) AS gone
        FROM unnest($1::text[], $2::bigint[]) AS n (record_class, record_id)
        JOIN clock c USING (record_class, record_id)
        JOIN unnest($4::text[], $5::timestamptz[]) AS due (record_class, cutoff) USING (record_class)
        """,
        *columns_of(ordered, 2),
        agency,
        list(cutoffs),
        list(cutoffs.values()),
    )
    return Obstacles(
        *([(row["record_class"], row["record_id"]) for row in rows if row[why]] for why in Obstacles._fields)
    )


async def insert(tx: Transaction, hold: Mapping[str, Any], records: Sequence[Record]) -> None:
    """Write a hold and what it covers."""
    await tx.execute(
        """
        INSERT INTO legal_hold (hold_id, agency, kind, author, reason, placed_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        *(hold[name] for name in ("hold_id", "agency", "kind", "author", "reason", "placed_at", "ends_at")),
    )
    await tx.execute(
        """
        INSERT INTO held_record (hold_id, agency, record_class, record_id)
        SELECT $1, $2, n.record_class, n.record_id FROM unnest($3::text[], $4::bigint[]) AS n (record_class, record_id)
        """,
        hold["hold_id"],
        hold["agency"],
        *columns_of(sorted(records), 2),
    )


async def locked(tx: Transaction, hold_id: int) -> Row | None:
    """Return a hold, locked until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM legal_hold WHERE hold_id = $1 FOR UPDATE", hold_id)
    return None if row is None else dict(row)


async def release(tx: Transaction, hold_id: int, by: str, now: datetime) -> None:
    """Write that a hold is released."""
    await tx.execute("UPDATE legal_hold SET released_at = $2, released_by = $3 WHERE hold_id = $1", hold_id, now, by)


async def extend(tx: Transaction, hold_id: int, ends_at: datetime) -> None:
    """Write a hold's later end."""
    await tx.execute("UPDATE legal_hold SET ends_at = $2 WHERE hold_id = $1", hold_id, ends_at)


async def mark_clocks(tx: Transaction, hold_id: int) -> None:
    """Bring `held_until` of the records of a hold in line with all the holds on them."""
    # Two statements, for the second must see what another hold's transaction did before it let go of the clocks.
    await tx.execute(
        """
        SELECT FROM held_record h JOIN clock c USING (record_class, record_id)
        WHERE h.hold_id = $1 ORDER BY c.record_class, c.record_id FOR UPDATE OF c
        """,
        hold_id,
    )
    await tx.execute(
        """
        UPDATE clock SET held_until = (
            SELECT max(hold.ends_at) FROM held_record held JOIN legal_hold hold USING (hold_id)
            WHERE held.record_class = clock.record_class AND held.record_id = clock.record_id
              AND held.agency = clock.agency AND hold.released_at IS NULL
        )
        FROM held_record covered
        WHERE covered.hold_id = $1
          AND clock.record_class = covered.record_class AND clock.record_id = covered.record_id
        """,
        hold_id,
    )


async def page(
    database: Database, agency: str | None, now: datetime, *, active: bool | None, after: int, limit: int
) -> list[Row]:
    """Return holds past `after`, with their records as two arrays, and whether a clock of each is known."""
    return await _holds(
        database,
        "h.hold_id > $1 AND ($2::text IS NULL OR h.agency = $2)"
        " AND ($3::bool IS NULL OR $3 = (h.released_at IS NULL AND h.ends_at > $4)) ORDER BY h.hold_id LIMIT $5",
        after,
        agency,
        active,
        now,
        limit,
    )


async def one(reader: Database | Transaction, hold_id: int) -> Row:
    """Return a hold that exists, as `page` does."""
    [row] = await _holds(reader, "h.hold_id = $1", hold_id)
    return row


async def _holds(reader: Database | Transaction, which: str, *params: object) -> list[Row]:
    rows = await reader.fetch(
        f"""
        SELECT h.*, covered.* FROM legal_hold h
        CROSS JOIN LATERAL (
            SELECT array_agg(r.record_class) AS classes, array_agg(r.record_id) AS record_ids,
                array_agg(c.version IS NOT DISTINCT FROM -1) AS unseen
            FROM held_record r LEFT JOIN clock c USING (record_class, record_id) WHERE r.hold_id = h.hold_id
        ) covered
        WHERE {which}
        """,  # noqa: S608  the conditions are constants of this module
        *params,
    )
    return [dict(row) for row in rows]


async def held(
    database: Database, agency: str | None, record_class: str, record_ids: Sequence[int], now: datetime
) -> list[Row]:
    """Return the active holds on `record_ids`."""
    rows = await database.fetch(
        """
        SELECT r.record_class, r.record_id, h.kind, h.ends_at
        FROM held_record r JOIN legal_hold h USING (hold_id)
        WHERE r.record_class = $1 AND r.record_id = ANY($2::bigint[]) AND ($3::text IS NULL OR h.agency = $3)
          AND h.released_at IS NULL AND h.ends_at > $4
        ORDER BY r.record_id, h.ends_at
        """,
        record_class,
        record_ids,
        agency,
        now,
    )
    return [dict(row) for row in rows]


async def counts(database: Database, now: datetime, soon: datetime) -> list[Row]:
    """Return how many holds are active of each agency and kind, and how many of them end before `soon`."""
    rows = await database.fetch(
        """
        SELECT agency, kind, count(*) AS active, count(*) FILTER (WHERE ends_at <= $2) AS ending
        FROM legal_hold WHERE released_at IS NULL AND ends_at > $1 GROUP BY agency, kind
        """,
        now,
        soon,
    )
    return [dict(row) for row in rows]


async def forget(tx: Transaction, over_since: datetime) -> dict[str, list[int]]:
    """Delete holds that were over at `over_since`, and clocks of version -1 that only they called for; return ids by agency."""
    rows = await tx.fetch(
        """
        SELECT hold_id, agency FROM legal_hold
        WHERE least(ends_at, released_at) <= $1 ORDER BY hold_id LIMIT 1000 FOR UPDATE SKIP LOCKED
        """,
        over_since,
    )
    if not rows:
        return {}
    ids = [row["hold_id"] for row in rows]
    await tx.execute(
        """
        WITH covered AS (DELETE FROM held_record WHERE hold_id = ANY($1::bigint[]) RETURNING record_class, record_id)
        DELETE FROM clock c USING covered
        WHERE c.record_class = covered.record_class AND c.record_id = covered.record_id AND c.version = -1
          AND NOT EXISTS (
            SELECT FROM held_record other WHERE other.record_class = c.record_class AND other.record_id = c.record_id
              AND other.hold_id <> ALL($1::bigint[])
          )
        """,
        ids,
    )
    await tx.execute("DELETE FROM legal_hold WHERE hold_id = ANY($1::bigint[])", ids)
    by_agency: dict[str, list[int]] = {}
    for row in rows:
        by_agency.setdefault(row["agency"], []).append(row["hold_id"])
    return by_agency
