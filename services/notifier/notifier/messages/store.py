"""The SQL of messages, their bodies and what they speak of."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from asyncpg import Record

from glem.database import Database, Transaction, columns_of
from glem_contracts.events.envelope import Event
from notifier.keys import Place
from notifier.messages.rules import Notice


async def remember_events(tx: Transaction, events: Sequence[Event]) -> set[str]:
    """Note that `events` are handled, and return the ids of those that were not yet."""
    rows = await tx.fetch(
        """INSERT INTO handled_event (event_id, agency, event_time)
           SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[]) ORDER BY 1
           ON CONFLICT DO NOTHING RETURNING event_id""",
        *columns_of([(event.id, event.agency, event.time) for event in events], 3),
    )
    return {row["event_id"] for row in rows}


async def enqueue(tx: Transaction, rows: Sequence[tuple[int, Event, Notice]]) -> None:
    """Write a queued message (its new id, the event, the notice) for each of `rows`."""
    await tx.execute(
        """INSERT INTO message (message_id, agency, patron_id, kind, state, attempts, created_at)
           SELECT *, 'queued', 0, $5 FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[])""",
        *columns_of([(id_, event.agency, notice.patron_id, notice.kind) for id_, event, notice in rows], 4),
        tx.now,
    )
    await tx.execute(
        """INSERT INTO message_subject (message_id, agency, record_class, record_id)
           SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])""",
        *columns_of(
            [(id_, event.agency, *subject) for id_, event, notice in rows for subject in notice.subjects],
            4,
        ),
    )
    await tx.execute(
        """INSERT INTO delivery (message_id, agency, occasion, due_on, reminder, not_before, outages)
           SELECT *, now(), 0 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::int[])""",
        *columns_of(
            [(id_, event.agency, event.type, notice.due_on, notice.reminder) for id_, event, notice in rows], 5
        ),
    )


async def forget_events(database: Database, before: datetime) -> int:
    """Forget which events were handled up to `before`; return how many."""
    status = await database.execute("DELETE FROM handled_event WHERE event_time <= $1", before)
    return int(status.split()[-1])


async def take_bodies_about(tx: Transaction, records: Collection[tuple[str, int]]) -> list[Record]:
    """Delete what speaks of `records` (class, id), and return message_id and agency of each body that went.

    A message that is still queued only loses the subject. The statements stay apart: the second must see a body that was
    written while the first waited for its subject's lock.
    """
    spoken = await tx.fetch(
        """DELETE FROM message_subject s USING unnest($1::text[], $2::bigint[]) AS gone (record_class, record_id)
           WHERE s.record_class = gone.record_class AND s.record_id = gone.record_id RETURNING s.message_id""",
        *columns_of(sorted(records), 2),
    )
    if not spoken:
        return []
    taken = await _delete_bodies(tx, [row["message_id"] for row in spoken])
    await delete_subjects(tx, [row["message_id"] for row in taken])
    return taken


async def _delete_bodies(tx: Transaction, message_ids: Sequence[int]) -> list[Record]:
    """Delete bodies and note their keys as spent; return message_id and agency of each."""
    rows: list[Record] = await tx.fetch(
        """WITH gone AS (
             DELETE FROM message_body WHERE message_id = ANY($1::bigint[])
             RETURNING message_id, agency, key_page, key_slot),
           spent AS (
             INSERT INTO spent_key (page, slot, agency) SELECT key_page, key_slot, agency FROM gone
             ON CONFLICT DO NOTHING)
           SELECT message_id, agency FROM gone""",
        message_ids,
    )
    return rows


async def lock_spent_keys(tx: Transaction, limit: int) -> list[Place]:
    """Lock up to `limit` places of keys that are to be destroyed, besides those in another process's hands."""
    rows = await tx.fetch("SELECT page, slot FROM spent_key LIMIT $1 FOR UPDATE SKIP LOCKED", limit)
    return [Place(row["page"], row["slot"]) for row in rows]


async def forget_spent_keys(tx: Transaction, places: Sequence[Place]) -> None:
    """Delete the places of keys that have been destroyed."""
    await tx.execute(
        """DELETE FROM spent_key s USING unnest($1::date[], $2::int[]) AS r (page, slot)
           WHERE s.page = r.page AND s.slot = r.slot""",
        *columns_of([(place.page, place.slot) for place in places], 2),
    )


async def slots_in_use(database: Database, page: date) -> list[int]:
    """Return the slots of `page` whose bodies are there."""
    rows = await database.fetch("SELECT key_slot FROM message_body WHERE key_page = $1", page)
    return [row["key_slot"] for row in rows]


async def key_book(database: Database) -> str:
    """Return the name of this database's own keys."""
    name: str = await database.fetchval("SELECT name FROM key_book")
    return name


async def delete_subjects(tx: Transaction, message_ids: Sequence[int]) -> None:
    """Delete what `message_ids` speak of."""
    await tx.execute("DELETE FROM message_subject WHERE message_id = ANY($1::bigint[])", message_ids)


async def delete_messages_of(tx: Transaction, patron_ids: Sequence[int]) -> list[Record]:
    """Delete every message of `patron_ids` with all that hangs on it; return message_id, agency, had_body of each (R32)."""
    rows = await tx.fetch(
        "SELECT message_id FROM message WHERE patron_id = ANY($1::bigint[]) ORDER BY message_id FOR UPDATE",
        patron_ids,
    )
    return await delete_messages(tx, [row["message_id"] for row in rows])


async def delete_messages(tx: Transaction, message_ids: Sequence[int]) -> list[Record]:
    """Delete messages, whose rows are locked, with all that hangs on them; return message_id, agency, had_body of each."""
    if not message_ids:
        return []
    await delete_subjects(tx, message_ids)
    await tx.execute("DELETE FROM delivery WHERE message_id = ANY($1::bigint[])", message_ids)
    bodies = await _delete_bodies(tx, message_ids)
    deleted: list[Record] = await tx.fetch(
        """DELETE FROM message WHERE message_id = ANY($1::bigint[])
           RETURNING message_id, agency, message_id = ANY($2::bigint[]) AS had_body""",
        message_ids,
        [row["message_id"] for row in bodies],
    )
    return deleted


async def agency_of_messages(database: Database, patron_id: int) -> str | None:
    """Return the agency whose patron has messages under `patron_id`, or None."""
    agency: str | None = await database.fetchval("SELECT agency FROM message WHERE patron_id = $1 LIMIT 1", patron_id)
    return agency


async def overview(
    database: Database,
    patron_id: int,
    *,
    bodies_after: datetime | None,
    envelopes_after: datetime | None,
    limit: int,
    offset: int,
) -> list[Record]:
    """Return a patron's messages, newest first; what is due by either cutoff is not seen."""
    rows: list[Record] = await database.fetch(
        """SELECT m.message_id, m.kind, m.channel, m.state, m.language, m.reason, m.attempts, m.created_at, m.sent_at,
                  b.content, b.key_page, b.key_slot
           FROM message m
           LEFT JOIN message_body b ON b.message_id = m.message_id AND ($2::timestamptz IS NULL OR b.sent_at > $2)
           WHERE m.patron_id = $1 AND ($3::timestamptz IS NULL OR coalesce(m.sent_at, m.created_at) > $3)
           ORDER BY m.created_at DESC, m.message_id LIMIT $4 OFFSET $5""",
        patron_id,
        bodies_after,
        envelopes_after,
        limit,
        offset,
    )
    return rows


async def one_of(database: Database, patron_id: int, message_id: int) -> Record | None:
    """Return agency and time of a patron's message (when it was sent, or else made), due or not."""
    row: Record | None = await database.fetchrow(
        "SELECT agency, coalesce(sent_at, created_at) AS since FROM message WHERE message_id = $1 AND patron_id = $2",
        message_id,
        patron_id,
    )
    return row


async def subjects_of(database: Database, message_ids: Sequence[int]) -> list[Record]:
    """Return message_id, record_class, record_id of what messages speak of."""
    rows: list[Record] = await database.fetch(
        "SELECT message_id, record_class, record_id FROM message_subject WHERE message_id = ANY($1::bigint[])",
        message_ids,
    )
    return rows


async def lock_bodies(tx: Transaction, agency: str, message_ids: Sequence[int]) -> list[Record]:
    """Lock bodies of `agency` and return message_id, clock_version, anchor of each.

    What they speak of is locked first, as everywhere else, so that no two transactions wait for each other.
    """
    await tx.execute(
        "SELECT FROM message_subject WHERE message_id = ANY($1::bigint[]) ORDER BY message_id, record_id FOR UPDATE",
        message_ids,
    )
    rows: list[Record] = await tx.fetch(
        """SELECT message_id, clock_version, anchor FROM message_body
           WHERE agency = $1 AND message_id = ANY($2::bigint[]) ORDER BY message_id FOR UPDATE""",
        agency,
        message_ids,
    )
    return rows


async def delete_bodies(tx: Transaction, message_ids: Sequence[int]) -> None:
    """Delete the bodies of `message_ids` and what they speak of."""
    await _delete_bodies(tx, message_ids)
    await delete_subjects(tx, message_ids)


async def overdue_bodies(database: Database, agency: str, cutoff: datetime, limit: int) -> list[Record]:
    """Return message_id, clock_version, sent_at of bodies sent at or before `cutoff`, oldest first."""
    rows: list[Record] = await database.fetch(
        """SELECT message_id, clock_version, sent_at FROM message_body
           WHERE agency = $1 AND sent_at <= $2 ORDER BY sent_at LIMIT $3""",
        agency,
        cutoff,
        limit,
    )
    return rows


async def lock_envelopes(tx: Transaction, agency: str, message_ids: Sequence[int]) -> list[Record]:
    """Lock messages of `agency` and return message_id, state, and the time from which the envelope's period runs."""
    rows: list[Record] = await tx.fetch(
        """SELECT message_id, state, coalesce(sent_at, created_at) AS anchor FROM message
           WHERE agency = $1 AND message_id = ANY($2::bigint[]) ORDER BY message_id FOR UPDATE""",
        agency,
        message_ids,
    )
    return rows


async def overdue_envelopes(database: Database, agency: str, cutoff: datetime, limit: int) -> list[Record]:
    """Return message_id and anchor of finished messages sent, or made, at or before `cutoff`, oldest first."""
    rows: list[Record] = await database.fetch(
        """SELECT message_id, coalesce(sent_at, created_at) AS anchor FROM message
           WHERE agency = $1 AND created_at <= $2 AND coalesce(sent_at, created_at) <= $2
             AND state NOT IN ('queued', 'sending')
           ORDER BY created_at LIMIT $3""",
        agency,
        cutoff,
        limit,
    )
    return rows


async def count_waiting(database: Database) -> tuple[int, timedelta]:
    """Return how many messages wait, and how long the oldest has, in the time of `database`'s clock."""
    row = await database.fetchrow(
        """SELECT count(*) AS waiting, min(m.created_at) AS oldest
           FROM delivery d JOIN message m ON m.message_id = d.message_id"""
    )
    if row is None or row["oldest"] is None:
        return 0, timedelta()
    return row["waiting"], database.clock.now() - row["oldest"]
