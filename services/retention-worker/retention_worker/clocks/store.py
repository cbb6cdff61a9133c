"""All SQL about clocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict, cast

from glem.database import Database, Transaction, columns_of
from glem_contracts.disposals import RefusedDisposal
from glem_contracts.events.envelope import RecordClock

EVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """One agency's records of one class with anchors after `after`, up to and including `cutoff`, the latest that is due."""

    agency: str
    record_class: str
    cutoff: datetime
    after: datetime = EVER


class ClockFigures(TypedDict):
    """The figures of one scope: overdue, held, stuck, the oldest overdue anchor, and the next anchor to fall due."""

    agency: str
    record_class: str
    overdue: int
    held: int
    oldest: datetime | None
    next_anchor: datetime | None
    stuck: int


@dataclass(frozen=True, slots=True)
class Leased:
    """Due records of one scope that this worker has leased, and the oldest of their anchors."""

    scope: Scope
    record_ids: list[int]
    oldest_anchor: datetime


async def keep_newest(tx: Transaction, clocks: Sequence[tuple[str, RecordClock]], *, by_audit: bool = False) -> int:
    """Store clocks with a higher version than the stored one, except for records in the register (H7); return how many.

    With `by_audit` the given clock replaces any other, because the owner's versions may have gone back with its database; a wrong
    one only costs an order that the owner refuses. A legal hold that one agency placed on another agency's record is dropped.
    """
    rows = [(clock.record_class, clock.record_id, agency, clock.version, clock.anchor) for agency, clock in clocks]
    status = await tx.execute(
        """
        INSERT INTO clock (record_class, record_id, agency, version, anchor, tries)
        SELECT n.record_class, n.record_id, n.agency, n.version, n.anchor, 0
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::timestamptz[])
             AS n (record_class, record_id, agency, version, anchor)
        WHERE NOT EXISTS (
            SELECT FROM register r WHERE r.record_class = n.record_class AND r.record_id = n.record_id
        )
        ON CONFLICT (record_class, record_id) DO UPDATE
        SET version = excluded.version, anchor = excluded.anchor, not_before = NULL, tries = 0, agency = excluded.agency,
            held_until = CASE WHEN clock.agency = excluded.agency THEN clock.held_until END
        WHERE clock.version < excluded.version OR $6
        """,
        *columns_of(rows, 5),
        by_audit,
    )
    return int(status.split()[-1])


async def lease_due(
    database: Database, scopes: Sequence[Scope], now: datetime, *, size: int, lease: timedelta
) -> list[Leased]:
    """Lease due records without a legal hold, oldest first, up to `size` of every scope, so that no flood delays another scope.

    A hold is stored in the clock's own row (`held_until`): PostgreSQL checks the condition again when it locks a row that was
    changed meanwhile, so a hold that commits during the query is seen.
    """
    rows = await database.fetch(
        """
        -- $1, $2 scopes; $3, $7 last and first anchor of each; $4 rows of each at most; $5 length of the lease; $6 now
        WITH due AS (
            SELECT c.at
            FROM unnest($1::text[], $2::text[], $3::timestamptz[], $7::timestamptz[])
                 AS s (agency, record_class, cutoff, after)
            CROSS JOIN LATERAL (
                SELECT ctid AS at FROM clock
                WHERE agency = s.agency AND record_class = s.record_class AND anchor <= s.cutoff AND anchor > s.after
                  AND (leased_until IS NULL OR leased_until < clock_timestamp())
                  AND (not_before IS NULL OR not_before < clock_timestamp())
                  AND (held_until IS NULL OR held_until <= $6)
                ORDER BY anchor LIMIT $4 FOR UPDATE SKIP LOCKED
            ) c
        ),
        -- By place (ctid): a join by key may read the whole table when its estimate is wrong. Locked rows do not move.
        taken AS (
            UPDATE clock SET leased_until = clock_timestamp() + $5::interval
            WHERE ctid = ANY(ARRAY(SELECT at FROM due))
            RETURNING agency, record_class, record_id, anchor
        )
        SELECT agency, record_class, array_agg(record_id ORDER BY record_id) AS record_ids, min(anchor) AS oldest
        FROM taken GROUP BY agency, record_class ORDER BY oldest
        """,
        [scope.agency for scope in scopes],
        [scope.record_class for scope in scopes],
        [scope.cutoff for scope in scopes],
        size,
        lease,
        now,
        [scope.after for scope in scopes],
    )
    known = {(scope.agency, scope.record_class): scope for scope in scopes}
    return [Leased(known[row["agency"], row["record_class"]], row["record_ids"], row["oldest"]) for row in rows]


async def release(database: Database, record_class: str, record_ids: Sequence[int], wait: timedelta) -> None:
    """End the lease of records after a failure that they did not cause; they may be leased again after `wait`.

    `leased_until` keeps a value, because the owner may have carried the order out: such a record cannot be held.
    """
    await database.execute(
        """
        UPDATE clock SET leased_until = clock_timestamp(), not_before = clock_timestamp() + $3::interval
        WHERE record_class = $1 AND record_id = ANY($2::bigint[])
        """,
        record_class,
        record_ids,
        wait,
    )


async def put_off(database: Database, record_class: str, record_id: int, longest: timedelta) -> int:
    """Put off one record whose disposal fails; the wait doubles with each try, up to `longest`. Return its tries (H68)."""
    tries: int | None = await database.fetchval(
        """
        UPDATE clock SET tries = tries + 1, leased_until = clock_timestamp(),
            not_before = clock_timestamp() + least($3::interval, interval '1 second' * power(2, least(tries, 20)))
        WHERE record_class = $1 AND record_id = $2 RETURNING tries
        """,
        record_class,
        record_id,
        longest,
    )
    return tries or 0


async def take_over(
    tx: Transaction, record_class: str, refusals: Sequence[RefusedDisposal], wait: timedelta, locked_wait: timedelta
) -> None:
    """Replace refused clocks by the owner's; put off those that are the same for `wait`, and locked records for `locked_wait`."""
    rows = [(item.record_id, item.version, item.anchor, item.reason == "locked") for item in refusals]
    await tx.execute(
        """
        -- $1 class; $2 to $5 the owner's clocks, and whether the record was locked; $6 wait; $7 wait for a lock
        UPDATE clock SET leased_until = NULL,
            not_before = CASE WHEN n.locked THEN clock_timestamp() + $7::interval
                WHEN clock.anchor = n.anchor THEN clock_timestamp() + $6::interval END,
            version = greatest(clock.version, n.version),
            anchor = CASE WHEN clock.version > n.version OR n.locked THEN clock.anchor ELSE n.anchor END
        FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::bool[]) AS n (record_id, version, anchor, locked)
        WHERE clock.record_class = $1 AND clock.record_id = n.record_id
        """,
        record_class,
        *columns_of(rows, 4),
        wait,
        locked_wait,
    )


async def overdue_figures(database: Database, scopes: Sequence[Scope], now: datetime) -> list[ClockFigures]:
    """Return for each scope how many clocks are due, the oldest of them, the next anchor to fall due, and how many are stuck.

    A due record under legal hold at `now` is counted as held only.
    """
    rows = await database.fetch(
        """
        SELECT s.agency, s.record_class, d.past - h.held AS overdue, h.held, d.oldest, n.next_anchor, k.stuck
        FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS s (agency, record_class, cutoff, at)
        -- Held, then all due with the oldest that is not held, then the next to fall due, then the stuck ones.
        CROSS JOIN LATERAL (
            SELECT count(*) AS held FROM clock c
            WHERE c.agency = s.agency AND c.record_class = s.record_class AND c.anchor <= s.cutoff
              AND c.held_until IS NOT NULL AND c.held_until > $4
        ) h
        CROSS JOIN LATERAL (
            SELECT count(*) AS past, (
                SELECT anchor FROM clock c
                WHERE c.agency = s.agency AND c.record_class = s.record_class AND c.anchor <= s.cutoff
                  AND (c.held_until IS NULL OR c.held_until <= $4)
                ORDER BY anchor LIMIT 1
            ) AS oldest
            FROM clock c
            WHERE c.agency = s.agency AND c.record_class = s.record_class AND c.anchor <= s.cutoff
        ) d
        CROSS JOIN LATERAL (
            SELECT min(anchor) AS next_anchor FROM clock c
            WHERE c.agency = s.agency AND c.record_class = s.record_class AND c.anchor > s.cutoff
        ) n
        CROSS JOIN LATERAL (
            SELECT count(*) AS stuck FROM clock c
            WHERE c.agency = s.agency AND c.record_class = s.record_class AND c.anchor <= s.cutoff AND c.tries > 0
              AND (c.held_until IS NULL OR c.held_until <= $4)
        ) k
        ORDER BY s.at
        """,
        [scope.agency for scope in scopes],
        [scope.record_class for scope in scopes],
        [scope.cutoff for scope in scopes],
        now,
    )
    return [cast("ClockFigures", dict(row)) for row in rows]


async def count_due(database: Database, scope: Scope, most: int) -> int:
    """Return how many clocks of a scope are due, held or not; count at most `most`."""
    count: int = await database.fetchval(
        """
        SELECT count(*) FROM (
            SELECT FROM clock WHERE agency = $1 AND record_class = $2 AND anchor <= $3 LIMIT $4
        ) found
        """,
        scope.agency,
        scope.record_class,
        scope.cutoff,
        most,
    )
    return count


async def unknown(tx: Transaction, scope: Scope, records: Sequence[tuple[int, datetime]]) -> set[int]:
    """Return those of `records` (id and anchor, reported by the owner) that no clock here makes due: their events were lost.

    A clock with an anchor up to the owner's counts too, because the record may have fallen due after the cutoff was computed.
    """
    rows = await tx.fetch(
        """
        SELECT n.record_id FROM unnest($3::bigint[], $4::timestamptz[]) AS n (record_id, anchor)
        WHERE NOT EXISTS (
            SELECT FROM clock c
            WHERE c.record_class = $2 AND c.record_id = n.record_id AND c.agency = $1
              AND c.anchor <= greatest(n.anchor, $5)
        )
        """,
        scope.agency,
        scope.record_class,
        *columns_of(records, 2),
        scope.cutoff,
    )
    return {row["record_id"] for row in rows}
