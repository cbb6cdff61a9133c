"""The SQL of the queue."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import Record as Row

from glem.database import Database, Transaction, columns_of
from notifier.keys import Place
from notifier.sending.rules import Job, Record

BODY_VERSION = ENVELOPE_VERSION = 1


async def take(database: Database, limit: int, lease: timedelta) -> list[tuple[Job, bool]]:
    """Take up to `limit` messages in hand for `lease`; True beside one that a process had in hand when it died."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            """WITH picked AS (
                 SELECT message_id FROM delivery WHERE not_before <= now() ORDER BY not_before
                 LIMIT $1 FOR UPDATE SKIP LOCKED)
               UPDATE delivery d SET not_before = now() + $2
               FROM picked p JOIN message m ON m.message_id = p.message_id
               WHERE d.message_id = p.message_id
               RETURNING d.message_id, d.agency, m.patron_id, m.kind, m.channel, m.state, m.attempts, m.created_at,
                         d.occasion, d.due_on, d.reminder, d.outages""",
            limit,
            lease,
        )
        subjects: dict[int, list[Record]] = {row["message_id"]: [] for row in rows}
        for row in await tx.fetch(
            """SELECT message_id, record_class, record_id FROM message_subject WHERE message_id = ANY($1::bigint[])
               ORDER BY record_class, record_id""",
            list(subjects),
        ):
            subjects[row["message_id"]].append((row["record_class"], row["record_id"]))
    return [(_job(row, subjects[row["message_id"]]), row["state"] == "sending") for row in rows]


def _job(row: Row, subjects: list[Record]) -> Job:
    fields = {name: row[name] for name in Job.__slots__ if name != "subjects"}
    return Job(**fields, subjects=tuple(subjects))


async def begin(tx: Transaction, rows: Sequence[tuple[Job, str]]) -> None:
    """Mark messages (with channel, and language) as being sent, before the hand-over; a try is counted now."""
    await tx.execute(
        """UPDATE message m SET state = 'sending', channel = r.channel, language = r.language, attempts = m.attempts + 1
           FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (message_id, channel, language)
           WHERE m.message_id = r.message_id""",
        *columns_of([(job.message_id, job.channel, language) for job, language in rows], 3),
    )


async def add_siblings(tx: Transaction, rows: Sequence[tuple[int, Job]], lease: timedelta) -> None:
    """Write the same message once more for its other channel, beside the message that it doubles (id): also in hand."""
    pairs = columns_of([(job.message_id, original) for original, job in rows], 2)
    await tx.execute(
        """INSERT INTO message (message_id, agency, patron_id, kind, state, attempts, created_at)
           SELECT r.message_id, m.agency, m.patron_id, m.kind, 'queued', 0, m.created_at
           FROM unnest($1::bigint[], $2::bigint[]) AS r (message_id, original)
           JOIN message m ON m.message_id = r.original""",
        *pairs,
    )
    await tx.execute(
        """INSERT INTO message_subject (message_id, agency, record_class, record_id)
           SELECT r.message_id, s.agency, s.record_class, s.record_id
           FROM unnest($1::bigint[], $2::bigint[]) AS r (message_id, original)
           JOIN message_subject s ON s.message_id = r.original""",
        *pairs,
    )
    await tx.execute(
        """INSERT INTO delivery (message_id, agency, occasion, due_on, reminder, not_before, outages)
           SELECT r.message_id, d.agency, d.occasion, d.due_on, d.reminder, now() + $3, 0
           FROM unnest($1::bigint[], $2::bigint[]) AS r (message_id, original)
           JOIN delivery d ON d.message_id = r.original""",
        *pairs,
        lease,
    )


async def lock(tx: Transaction, message_ids: Sequence[int]) -> set[int]:
    """Lock messages and return the ids of those that are still on their way."""
    rows = await tx.fetch(
        """SELECT m.message_id FROM message m JOIN delivery d ON d.message_id = m.message_id
           WHERE m.message_id = ANY($1::bigint[]) ORDER BY m.message_id FOR UPDATE OF m""",
        message_ids,
    )
    return {row["message_id"] for row in rows}


async def lock_subjects(tx: Transaction, message_ids: Sequence[int]) -> dict[int, set[Record]]:
    """Lock what messages speak of, so that an erasure comes wholly before or wholly after, and return it."""
    rows = await tx.fetch(
        """SELECT message_id, record_class, record_id FROM message_subject
           WHERE message_id = ANY($1::bigint[]) ORDER BY message_id, record_id FOR UPDATE""",
        message_ids,
    )
    found: dict[int, set[Record]] = {}
    for row in rows:
        found.setdefault(row["message_id"], set()).add((row["record_class"], row["record_id"]))
    return found


async def finish(tx: Transaction, rows: Sequence[tuple[int, str, str | None, datetime | None]]) -> None:
    """Write the end of messages (id, state, reason, sent_at) and take them out of the queue."""
    await tx.execute(
        """UPDATE message m SET state = r.state, reason = r.reason, sent_at = r.sent_at
           FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) AS r (message_id, state, reason, sent_at)
           WHERE m.message_id = r.message_id""",
        *columns_of(rows, 4),
    )
    await tx.execute("DELETE FROM delivery WHERE message_id = ANY($1::bigint[])", [row[0] for row in rows])


async def keep_bodies(tx: Transaction, rows: Sequence[tuple[int, str, Place, bytes]], sent_at: datetime) -> None:
    """Keep what was written: message_id, agency, the place of its key, and the sealed content of each."""
    await tx.execute(
        """INSERT INTO message_body (message_id, agency, key_page, key_slot, content, sent_at, anchor, clock_version)
           SELECT *, $6, $6, $7 FROM unnest($1::bigint[], $2::text[], $3::date[], $4::int[], $5::bytea[])""",
        *columns_of([(id_, agency, place.page, place.slot, content) for id_, agency, place, content in rows], 5),
        sent_at,
        BODY_VERSION,
    )


async def drop_subjects(tx: Transaction, rows: Sequence[tuple[int, Record]]) -> None:
    """Delete single subjects of messages: what a message does not speak of after all."""
    await tx.execute(
        """DELETE FROM message_subject s
           USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS r (message_id, record_class, record_id)
           WHERE s.message_id = r.message_id AND s.record_class = r.record_class AND s.record_id = r.record_id""",
        *columns_of([(message_id, *record) for message_id, record in rows], 3),
    )


async def postpone(tx: Transaction, rows: Sequence[tuple[int, float, bool, str | None]], *, begun: bool) -> None:
    """Put messages back into the queue: id, the wait in seconds, whether a gateway or peer was away, and a reason.

    An outage uses up no try: the one that was counted when the message was `begun` is taken back.
    """
    columns = columns_of(rows, 4)
    await tx.execute(
        """UPDATE delivery d SET not_before = now() + make_interval(secs => r.wait), outages = d.outages + r.outage::int
           FROM unnest($1::bigint[], $2::float8[], $3::bool[]) AS r (message_id, wait, outage)
           WHERE d.message_id = r.message_id""",
        *columns[:3],
    )
    await tx.execute(
        """UPDATE message m SET state = 'queued', reason = r.reason, attempts = m.attempts - (r.outage AND $4)::int
           FROM unnest($1::bigint[], $2::bool[], $3::text[]) AS r (message_id, outage, reason)
           WHERE m.message_id = r.message_id""",
        columns[0],
        columns[2],
        columns[3],
        begun,
    )
