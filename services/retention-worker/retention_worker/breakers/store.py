"""All SQL about breakers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypedDict

from glem.database import Database, Transaction, columns_of
from glem.ids import new_id
from glem_contracts.events.envelope import Erasure, RecordClock
from retention_worker.breakers.rules import DAYS_COUNTED, Window
from retention_worker.breakers.tables import ACKNOWLEDGEMENTS
from retention_worker.clocks.store import Scope
from retention_worker.due import visible

Reader = Database | Transaction
VISIBLE = visible(ACKNOWLEDGEMENTS, "breaker.agency", "$2", "$3")


class Kept(TypedDict):
    """The clocks and erasures of an event."""

    clocks: list[RecordClock]
    erased: list[Erasure]


class Acknowledged(NamedTuple):
    """The id of an acknowledgement, and of the one whose name it has replaced."""

    acknowledgement_id: int
    replaced: int | None

    def told(self, at: datetime) -> Kept:
        """Return what the event of the acknowledgement says of both."""
        return {
            "clocks": [ACKNOWLEDGEMENTS.clock(self.acknowledgement_id, at)],
            "erased": [] if self.replaced is None else [ACKNOWLEDGEMENTS.erasure([self.replaced])],
        }


async def oldest_waiting(database: Database, scopes: Sequence[Scope]) -> dict[tuple[str, str], datetime]:
    """Return the oldest due anchor of every scope that has one."""
    rows = await database.fetch(
        """
        SELECT s.agency, s.record_class, c.anchor
        FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS s (agency, record_class, cutoff)
        CROSS JOIN LATERAL (
            SELECT anchor FROM clock
            WHERE agency = s.agency AND record_class = s.record_class AND anchor <= s.cutoff
            ORDER BY anchor LIMIT 1
        ) c
        """,
        [scope.agency for scope in scopes],
        [scope.record_class for scope in scopes],
        [scope.cutoff for scope in scopes],
    )
    return {(row["agency"], row["record_class"]): row["anchor"] for row in rows}


async def counts(reader: Reader, windows: Sequence[Window], most: int) -> list[dict[str, Any]]:
    """Return for each window how many records wait (no more than `most` are counted) and are gone, what was acknowledged, and usual.

    Usual is the mean of the last 28 days before it on which anything fell due, days that a breaker kept left out.
    """
    rows = await reader.fetch(
        """
        SELECT w.waiting, coalesce(d.records, 0) AS gone, coalesce(b.acknowledged, 0) AS acknowledged,
               coalesce(b.is_open, FALSE) AS is_open, u.usual::float8 AS usual
        FROM unnest($1::text[], $2::text[], $3::date[], $4::timestamptz[], $5::timestamptz[])
             WITH ORDINALITY AS s (agency, record_class, day, after, until, place)
        CROSS JOIN LATERAL (
            SELECT count(*) AS waiting FROM (
                SELECT FROM clock c WHERE c.agency = s.agency AND c.record_class = s.record_class
                  AND c.anchor > s.after AND c.anchor <= s.until LIMIT $6
            ) found
        ) w
        LEFT JOIN due_day d ON (d.agency, d.record_class, d.day) = (s.agency, s.record_class, s.day)
        LEFT JOIN breaker b ON (b.agency, b.record_class, b.due_day) = (s.agency, s.record_class, s.day)
        CROSS JOIN LATERAL (
            SELECT coalesce(avg(records), 0) AS usual FROM (
                SELECT p.records FROM due_day p
                WHERE p.agency = s.agency AND p.record_class = s.record_class AND p.day < s.day
                  AND NOT EXISTS (
                      SELECT FROM breaker k
                      WHERE (k.agency, k.record_class, k.due_day) = (p.agency, p.record_class, p.day)
                  )
                ORDER BY p.day DESC LIMIT $7
            ) past
        ) u
        ORDER BY s.place
        """,
        *columns_of([(each.agency, each.record_class, each.day, each.after, each.until) for each in windows], 5),
        most,
        DAYS_COUNTED,
    )
    return [dict(row) for row in rows]


async def open_breaker(tx: Transaction, window: Window, records: int, allowed: int, at: datetime) -> bool:
    """Keep the records of `window`; return False when another process has done so already."""
    status = await tx.execute(
        """
        INSERT INTO breaker AS b (agency, record_class, due_day, is_open, records, allowed, acknowledged, opened_at)
        VALUES ($1, $2, $3, TRUE, $4, $5, 0, $6)
        ON CONFLICT (agency, record_class, due_day) DO UPDATE
        SET is_open = TRUE, records = excluded.records, allowed = excluded.allowed, opened_at = excluded.opened_at
        WHERE NOT b.is_open
        """,
        window.agency,
        window.record_class,
        window.day,
        records,
        allowed,
        at,
    )
    return int(status.split()[-1]) == 1


async def open_days(reader: Reader, agency: str | None, record_class: str | None) -> list[dict[str, Any]]:
    """Return the open breakers of one agency or all, of one class or all; locks nothing."""
    rows = await reader.fetch(
        """
        SELECT agency, record_class, due_day, allowed, opened_at FROM breaker
        WHERE is_open AND ($1::text IS NULL OR agency = $1) AND ($2::text IS NULL OR record_class = $2)
        ORDER BY agency, record_class, due_day
        """,
        agency,
        record_class,
    )
    return [dict(row) for row in rows]


async def close(
    tx: Transaction, agency: str, record_class: str, day: date, records: int, account: str, at: datetime
) -> Acknowledged:
    """Let the records of a day go: as many as somebody has acknowledged."""
    acknowledged = await _replace(tx, agency, record_class, day)
    await tx.execute(
        """
        UPDATE breaker SET is_open = FALSE, acknowledged = greatest(acknowledged, $4), acknowledged_by = $5,
            acknowledged_at = $6, acknowledgement_id = $7
        WHERE agency = $1 AND record_class = $2 AND due_day = $3
        """,
        agency,
        record_class,
        day,
        records,
        account,
        at,
        acknowledged.acknowledgement_id,
    )
    return acknowledged


async def allow(
    tx: Transaction, agency: str, record_class: str, day: date, records: int, account: str, at: datetime
) -> Acknowledged:
    """Allow `records` more on `day`: those that a change of policy makes due then, seen by whoever approved it."""
    acknowledged = await _replace(tx, agency, record_class, day)
    await tx.execute(
        """
        INSERT INTO breaker AS b
            (agency, record_class, due_day, is_open, records, allowed, acknowledged, acknowledged_by, acknowledged_at,
             acknowledgement_id)
        VALUES ($1, $2, $3, FALSE, 0, 0, $4, $5, $6, $7)
        ON CONFLICT (agency, record_class, due_day) DO UPDATE
        SET acknowledged = b.acknowledged + excluded.acknowledged, acknowledged_by = $5, acknowledged_at = $6,
            acknowledgement_id = $7
        """,
        agency,
        record_class,
        day,
        records,
        account,
        at,
        acknowledged.acknowledgement_id,
    )
    return acknowledged


async def acknowledgements(
    reader: Reader, agency: str | None, cutoffs: Sequence[Sequence[object]]
) -> list[dict[str, Any]]:
    """Return who acknowledged what and when, newest first, without the names that are due by `cutoffs` (of each agency)."""
    rows = await reader.fetch(
        f"""
        SELECT agency, record_class, due_day, acknowledged AS records, acknowledged_by, acknowledged_at FROM breaker
        WHERE acknowledged_by IS NOT NULL AND ($1::text IS NULL OR agency = $1) AND {VISIBLE}
        ORDER BY acknowledged_at DESC, record_class, due_day LIMIT 1000
        """,  # noqa: S608  a declaration
        agency,
        *cutoffs,
    )
    return [dict(row) for row in rows]


async def _replace(tx: Transaction, agency: str, record_class: str, day: date) -> Acknowledged:
    """Lock a day that somebody has acknowledged before, whose name goes now; return the id of the new acknowledgement."""
    replaced = await tx.fetchval(
        """
        SELECT acknowledgement_id FROM breaker
        WHERE agency = $1 AND record_class = $2 AND due_day = $3 AND acknowledged_by IS NOT NULL FOR UPDATE
        """,
        agency,
        record_class,
        day,
    )
    return Acknowledged(new_id(), replaced)
