"""All SQL about reservations and their queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from glem.database import Transaction
from loan_api.base import Reader, row_of
from loan_api.reservations.tables import ReservationRow

# The item $1 of work $3 at agency $2 goes to the first in the queue who is not away on the day $4 (R13), to be fetched by $6;
# else it is available. The reservation is locked before the item, as everywhere.
SHELVE = """
next AS (
    SELECT reservation_id FROM reservation JOIN borrower USING (patron_id)
    WHERE reservation.agency = $2 AND reservation.work_id = $3 AND state = 'queued' AND expires_on >= $4
        AND NOT ((absent_from IS NOT NULL OR absent_until IS NOT NULL)
            AND coalesce(absent_from, $4) <= $4 AND coalesce(absent_until, $4) >= $4)
    ORDER BY placed_at, reservation_id LIMIT 1 FOR UPDATE OF reservation
), readied AS (
    UPDATE reservation SET state = 'ready', item_id = $1, ready_at = $5, pickup_deadline = $6,
        pickup_number = nextval('pickup_numbers')
    FROM next WHERE reservation.reservation_id = next.reservation_id RETURNING reservation.*
), shelved AS (
    UPDATE item SET state = CASE WHEN EXISTS (SELECT FROM readied) THEN 'on-shelf' ELSE 'available' END WHERE item_id = $1
)
"""
PASS_ON = f"WITH {SHELVE} TABLE readied"
WANTED = """
SELECT work.type AS work_type, work.age_limit,
    (SELECT count(*) FROM item WHERE item.agency = $1 AND item.work_id = $2 AND state NOT IN ('lost', 'withdrawn')) AS items,
    EXISTS (SELECT FROM reservation WHERE patron_id = $3 AND work_id = $2) AS reserved,
    EXISTS (SELECT FROM loan WHERE patron_id = $3 AND work_id = $2 AND returned_at IS NULL) AS loaned,
    (SELECT count(*) FROM reservation WHERE patron_id = $3) AS reservations
FROM work WHERE agency = $1 AND work.work_id = $2
"""
LIST = """
SELECT reservation.*, work.title, work.creator, work.type, (
    SELECT count(*) + 1 FROM reservation ahead
    WHERE ahead.agency = reservation.agency AND ahead.work_id = reservation.work_id AND ahead.state = 'queued'
        AND reservation.state = 'queued'
        AND (ahead.placed_at, ahead.reservation_id) < (reservation.placed_at, reservation.reservation_id)
) AS position
FROM reservation JOIN work USING (agency, work_id)
"""
OF_PATRON = LIST + "WHERE patron_id = $1 ORDER BY placed_at"
ONE = LIST + "WHERE reservation_id = $1"


@dataclass(frozen=True, slots=True)
class Shelf:
    """An item that has come free: which, whose, and until when the next patron may fetch it."""

    item_id: int
    agency: str
    work_id: str
    today: date
    now: datetime
    pickup_deadline: date


async def pass_on(tx: Transaction, shelf: Shelf) -> ReservationRow | None:
    """Give a free item to the next in its work's queue; returns that reservation, now ready, or None."""
    record = await tx.fetchrow(
        PASS_ON, shelf.item_id, shelf.agency, shelf.work_id, shelf.today, shelf.now, shelf.pickup_deadline
    )
    return None if record is None else row_of(ReservationRow, record)


async def read_wanted(tx: Transaction, agency: str, work_id: str, patron_id: int) -> asyncpg.Record | None:
    """Return what `rules.Wanted` holds, or None for an unknown work."""
    return await tx.fetchrow(WANTED, agency, work_id, patron_id)


async def insert(tx: Transaction, row: ReservationRow) -> None:
    """Write a new reservation at the end of its queue; raises UniqueViolationError when the patron has one of this work."""
    await tx.execute(
        """INSERT INTO reservation (reservation_id, agency, patron_id, work_id, pickup_branch, placed_at, expires_on, state)
        VALUES ($1, $2::text, $3, $4::text, $5, greatest($6::timestamptz, (
            SELECT max(placed_at) + interval '1 microsecond' FROM reservation WHERE agency = $2::text AND work_id = $4::text
        )), $7, 'queued')""",
        row.reservation_id,
        row.agency,
        row.patron_id,
        row.work_id,
        row.pickup_branch,
        row.placed_at,
        row.expires_on,
    )


async def find(reader: Reader, reservation_id: int) -> asyncpg.Record | None:
    """Return a reservation with its work and its place in the queue."""
    return await reader.fetchrow(ONE, reservation_id)


async def of_patron(reader: Reader, patron_id: int) -> list[asyncpg.Record]:
    """Return a patron's reservations with their works and places in the queue, oldest first."""
    return await reader.fetch(OF_PATRON, patron_id)


async def lock(tx: Transaction, reservation_id: int) -> ReservationRow | None:
    """Return a reservation, locked until the transaction ends."""
    record = await tx.fetchrow("SELECT * FROM reservation WHERE reservation_id = $1 FOR UPDATE", reservation_id)
    return None if record is None else row_of(ReservationRow, record)


async def delete(tx: Transaction, reservation_id: int) -> None:
    """Delete a reservation; nothing of it stays (R46, R47)."""
    await tx.execute("DELETE FROM reservation WHERE reservation_id = $1", reservation_id)


async def delete_of_patron(tx: Transaction, patron_id: int) -> list[ReservationRow]:
    """Delete all reservations of a patron and return what they were."""
    records = await tx.fetch("DELETE FROM reservation WHERE patron_id = $1 RETURNING *", patron_id)
    return [row_of(ReservationRow, record) for record in records]


async def change(tx: Transaction, reservation_id: int, pickup_branch: str, expires_on: date) -> None:
    """Change where a reservation is fetched, and until when it is wanted."""
    await tx.execute(
        "UPDATE reservation SET pickup_branch = $2, expires_on = $3 WHERE reservation_id = $1",
        reservation_id,
        pickup_branch,
        expires_on,
    )


async def requeue(tx: Transaction, item_id: int) -> ReservationRow | None:
    """Put the reservation that the item waits for back into the queue, at its old place."""
    record = await tx.fetchrow(
        """UPDATE reservation SET state = 'queued', item_id = NULL, ready_at = NULL, pickup_deadline = NULL,
        pickup_number = NULL WHERE item_id = $1 RETURNING *""",
        item_id,
    )
    return None if record is None else row_of(ReservationRow, record)


async def patrons_of_expired(reader: Reader, agency: str, today: date, limit: int) -> list[int]:
    """Return patrons with a reservation whose interest period or pick-up deadline is before `today`."""
    records = await reader.fetch(
        """SELECT DISTINCT patron_id FROM (
            SELECT patron_id FROM reservation WHERE agency = $1 AND state = 'queued' AND expires_on < $2
            UNION ALL
            SELECT patron_id FROM reservation WHERE agency = $1 AND state = 'ready' AND pickup_deadline < $2
        ) past ORDER BY patron_id LIMIT $3""",
        agency,
        today,
        limit,
    )
    return [record["patron_id"] for record in records]


async def delete_expired(tx: Transaction, patron_ids: Sequence[int], today: date) -> list[ReservationRow]:
    """Lock these borrowers, delete what has expired of theirs, and return what it was."""
    await tx.execute(
        "SELECT FROM borrower WHERE patron_id = ANY($1::bigint[]) ORDER BY patron_id FOR UPDATE", patron_ids
    )
    records = await tx.fetch(
        """DELETE FROM reservation WHERE patron_id = ANY($1::bigint[])
        AND (state = 'queued' AND expires_on < $2 OR state = 'ready' AND pickup_deadline < $2) RETURNING *""",
        patron_ids,
        today,
    )
    return [row_of(ReservationRow, record) for record in records]
