"""All SQL about legal holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from glem.database import Database, Transaction, columns_of
from retention_worker.due import visible
from retention_worker.holds.tables import LEGAL_HOLDS

Record = tuple[str, int]
Row = dict[str, Any]
Cutoffs = Sequence[Sequence[object]]
UNSEEN = -1
VISIBLE_LOCKED = visible(LEGAL_HOLDS, "h.agency", "$2", "$3")
VISIBLE_LISTED = visible(LEGAL_HOLDS, "h.agency", "$6", "$7")


class Obstacles(NamedTuple):
    """The records that forbid a hold: registered as gone, of another agency, or possibly erased (`in_hand`)."""

    gone: list[Record]
    elsewhere: list[Record]
    in_hand: list[Record]


async def enclose(
    tx: Transaction, agency: str, records: Sequence[Record], cutoffs: Mapping[str, datetime | None]
) -> Obstacles:
    """Lock the clocks of `records`, with a new row of version -1 for a record without one; return the records that forbid a hold.

    A record is `in_hand` while it is leased. After that it still is if it is due by `cutoffs` (of each record class) and its
    disposal order has not been answered: the owner may have erased it.

    Until the end of the transaction no sweep can lease these records: it skips locked rows, and checks changed rows again.
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
    """Write a hold and the records that it covers."""
    await tx.execute(
        """
        INSERT INTO legal_hold (hold_id, agency, kind, author, reason, placed_at, ends_at, clock_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
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


async def locked(tx: Transaction, hold_id: int, cutoffs: Cutoffs) -> Row | None:
    """Return a hold that is not due by `cutoffs` (of each agency), locked until the transaction ends."""
    row = await tx.fetchrow(
        f"SELECT * FROM legal_hold h WHERE hold_id = $1 AND {VISIBLE_LOCKED} FOR UPDATE",  # noqa: S608  a declaration
        hold_id,
        *cutoffs,
    )
    return None if row is None else dict(row)


async def release(tx: Transaction, hold_id: int, by: str, now: datetime) -> int:
    """Write that a hold is released; return the version of its clock."""
    version: int = await tx.fetchval(
        """
        UPDATE legal_hold SET released_at = $2, released_by = $3, clock_version = clock_version + 1 WHERE hold_id = $1
        RETURNING clock_version
        """,
        hold_id,
        now,
        by,
    )
    return version


async def extend(tx: Transaction, hold_id: int, ends_at: datetime) -> int:
    """Write a hold's other end; return the version of its clock."""
    version: int = await tx.fetchval(
        "UPDATE legal_hold SET ends_at = $2, clock_version = clock_version + 1 WHERE hold_id = $1 RETURNING clock_version",
        hold_id,
        ends_at,
    )
    return version


async def mark_clocks(tx: Transaction, hold_id: int) -> None:
    """Set `held_until` of the records of a hold to the latest end of all holds on each."""
    # Two statements: the second must see what another hold's transaction committed before it released the locks.
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
    database: Database,
    agency: str | None,
    now: datetime,
    *,
    active: bool | None,
    after: int,
    limit: int,
    cutoffs: Cutoffs,
) -> list[Row]:
    """Return holds past `after` that are not due by `cutoffs` (of each agency), with their records as two arrays.

    A third array says of which records no clock is known yet.
    """
    return await _holds(
        database,
        "h.hold_id > $1 AND ($2::text IS NULL OR h.agency = $2)"
        " AND ($3::bool IS NULL OR $3 = (h.released_at IS NULL AND h.ends_at > $4))"
        f" AND {VISIBLE_LISTED} ORDER BY h.hold_id LIMIT $5",
        after,
        agency,
        active,
        now,
        limit,
        *cutoffs,
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
