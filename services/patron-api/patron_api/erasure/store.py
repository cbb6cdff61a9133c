"""The SQL of erasures."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import asyncpg

from glem.database import Database, Transaction
from patron_api.erasure.rules import Request
from patron_api.erasure.tables import ERASURE_REQUESTS

COLUMNS = ", ".join(Request.__slots__)
# A request whose $1 is known, while it is not due by the cutoff ($3) of its agency ($2).
SHOWN = f"""
    SELECT {COLUMNS} FROM erasure_request
    LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS due (agency, cutoff) USING (agency)
    WHERE {ERASURE_REQUESTS.visible("due.cutoff")} AND"""  # noqa: S608  a declaration
Cutoffs = Mapping[str, datetime]


def _row(record: asyncpg.Record | None) -> Request | None:
    return Request(**record) if record is not None else None


async def drop_due(tx: Transaction, patron_id: int, cutoff: datetime) -> list[int]:
    """Delete the request of a patron that is due and not swept yet, for a new one takes its place; return its id."""
    rows = await tx.fetch(
        f"DELETE FROM erasure_request WHERE patron_id = $1 AND NOT {ERASURE_REQUESTS.visible('$2')} RETURNING request_id",  # noqa: S608
        patron_id,
        cutoff,
    )
    return [row["request_id"] for row in rows]


async def ask(
    tx: Transaction, request_id: int, agency: str, patron_id: int, lease: timedelta, *, when_clear: bool
) -> tuple[Request, bool]:
    """Write a wish of a locked patron, in hand for `lease`, or renew it; False beside one that is under way already."""
    row = await tx.fetchrow(
        f"""INSERT INTO erasure_request AS known (request_id, agency, patron_id, when_clear, state, lending_done,
            messages_done, asked_at, next_try_at, clock_version)
        VALUES ($1, $2, $3, $4, 'asked', false, false, $5, now() + $6, 1)
        ON CONFLICT (patron_id) WHERE patron_id IS NOT NULL DO UPDATE
            SET state = 'asked', when_clear = excluded.when_clear, asked_at = excluded.asked_at,
                next_try_at = excluded.next_try_at, refused_at = NULL, clock_version = known.clock_version + 1
            WHERE known.state IN ('refused', 'waiting')
        RETURNING {COLUMNS}""",  # noqa: S608  a constant
        request_id,
        agency,
        patron_id,
        when_clear,
        tx.now,
        lease,
    )
    fresh = _row(row)
    if fresh is not None:
        return fresh, True
    known = await of_patron(tx, patron_id, {})
    if known is None:
        message = "a request is neither new nor known"
        raise LookupError(message)
    return known, False


async def take(database: Database, lease: timedelta) -> Request | None:
    """Take the next request whose time has come in hand; one that waited is asked for again."""
    row = await database.fetchrow(
        f"""UPDATE erasure_request SET next_try_at = now() + $1,
            state = CASE WHEN state = 'waiting' THEN 'asked' ELSE state END
        WHERE request_id = (SELECT request_id FROM erasure_request
            WHERE state IN ('asked', 'waiting', 'erasing') AND next_try_at <= now()
            ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING {COLUMNS}""",  # noqa: S608  a constant
        lease,
    )
    return _row(row)


async def refuse(tx: Transaction, request_id: int) -> int | None:
    """Write that a request is refused; return the version of its clock, or None when it has gone on meanwhile."""
    version: int | None = await tx.fetchval(
        "UPDATE erasure_request SET state = 'refused', refused_at = $2, clock_version = clock_version + 1"
        " WHERE request_id = $1 AND state = 'asked' RETURNING clock_version",
        request_id,
        tx.now,
    )
    return version


async def wait(database: Database, request_id: int, until: timedelta) -> None:
    """Let a request wait for something that is open, and be tried again; one that has gone on meanwhile stays."""
    await database.execute(
        "UPDATE erasure_request SET state = 'waiting', next_try_at = now() + $2 WHERE request_id = $1 AND state = 'asked'",
        request_id,
        until,
    )


async def postpone(database: Database, request_id: int, wait: timedelta) -> None:
    """Try a request again after `wait`."""
    await database.execute(
        "UPDATE erasure_request SET next_try_at = now() + $2 WHERE request_id = $1", request_id, wait
    )


async def mark_erased(tx: Transaction, request_id: int) -> None:
    """Note that the patron is erased here; the other services follow."""
    await tx.execute(
        "UPDATE erasure_request SET state = 'erasing', erased_at = coalesce(erased_at, $2), next_try_at = now()"
        " WHERE request_id = $1",
        request_id,
        tx.now,
    )


async def note_progress(tx: Transaction, request_id: int, *, lending: bool, messages: bool) -> None:
    """Note which services have nothing left."""
    await tx.execute(
        "UPDATE erasure_request SET lending_done = $2, messages_done = $3 WHERE request_id = $1 AND state = 'erasing'",
        request_id,
        lending,
        messages,
    )


async def finish(tx: Transaction, request_id: int) -> int | None:
    """Write that no service has anything left, and forget whose request it was; return the version of its clock.

    None when another process has done so.
    """
    version: int | None = await tx.fetchval(
        "UPDATE erasure_request SET state = 'done', done_at = $2, patron_id = NULL, clock_version = clock_version + 1"
        " WHERE request_id = $1 AND state = 'erasing' AND lending_done AND messages_done RETURNING clock_version",
        request_id,
        tx.now,
    )
    return version


async def of_patron(reader: Database | Transaction, patron_id: int, cutoffs: Cutoffs) -> Request | None:
    """Return a patron's request that is not done, and not due by the cutoff of its agency."""
    return _row(await reader.fetchrow(f"{SHOWN} patron_id = $1", patron_id, [*cutoffs], [*cutoffs.values()]))


async def find(database: Database, request_id: int, cutoffs: Cutoffs) -> Request | None:
    """Return a request by its id, while it is not due by the cutoff of its agency."""
    return _row(await database.fetchrow(f"{SHOWN} request_id = $1", request_id, [*cutoffs], [*cutoffs.values()]))


async def withdraw(tx: Transaction, patron_id: int, cutoff: datetime) -> int | None:
    """Delete a request that waits or was refused, and return its id; None for one that is under way, or due."""
    found: int | None = await tx.fetchval(
        "DELETE FROM erasure_request WHERE patron_id = $1 AND state IN ('waiting', 'refused')"  # noqa: S608  a declaration
        f" AND {ERASURE_REQUESTS.visible('$2')} RETURNING request_id",
        patron_id,
        cutoff,
    )
    return found


async def nudge(tx: Transaction, patron_ids: Collection[int]) -> None:
    """Let requests that wait be tried at once: something of these patrons has cleared."""
    await tx.execute(
        "UPDATE erasure_request SET next_try_at = now() WHERE patron_id = ANY($1::bigint[]) AND state = 'waiting'",
        sorted(patron_ids),
    )


async def delete_patron(tx: Transaction, patron_id: int, agency: str) -> None:
    """Delete a locked patron with all that hangs on the row, and leave the tombstone."""
    await tx.execute("DELETE FROM refresh_token WHERE subject = $1 AND is_patron", patron_id)
    await tx.execute("UPDATE guardian SET as_patron_id = NULL WHERE as_patron_id = $1", patron_id)
    await tx.execute("DELETE FROM patron WHERE patron_id = $1", patron_id)
    await tx.execute(
        "INSERT INTO erased_patron (patron_id, agency) VALUES ($1, $2) ON CONFLICT DO NOTHING", patron_id, agency
    )


async def erased_at_agency(database: Database, patron_id: int) -> str | None:
    """Return the agency of a patron who is erased; None for anybody else."""
    agency: str | None = await database.fetchval("SELECT agency FROM erased_patron WHERE patron_id = $1", patron_id)
    return agency
