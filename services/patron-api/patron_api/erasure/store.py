"""The SQL of erasures."""

from collections.abc import Collection
from datetime import timedelta

import asyncpg

from glem.database import Database, Transaction
from patron_api.erasure.rules import Request, State

COLUMNS = ", ".join(Request.__slots__)


def _row(record: asyncpg.Record | None) -> Request | None:
    return Request(**record) if record is not None else None


async def ask(
    tx: Transaction, request_id: int, agency: str, patron_id: int, lease: timedelta, *, when_clear: bool
) -> tuple[Request, bool]:
    """Write a wish of a locked patron, in hand for `lease`, or renew it; False beside one that is under way already."""
    row = await tx.fetchrow(
        f"""INSERT INTO erasure_request AS known (request_id, agency, patron_id, when_clear, state, lending_done,
            messages_done, asked_at, next_try_at)
        VALUES ($1, $2, $3, $4, 'asked', false, false, $5, now() + $6)
        ON CONFLICT (patron_id) WHERE patron_id IS NOT NULL DO UPDATE
            SET state = 'asked', when_clear = excluded.when_clear, asked_at = excluded.asked_at,
                next_try_at = excluded.next_try_at
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
    known = await of_patron(tx, patron_id)
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


async def move_on(database: Database, request_id: int, state: State, wait: timedelta) -> None:
    """Write how a request that was asked for stands, and when it is tried again; one that has gone on meanwhile stays."""
    await database.execute(
        "UPDATE erasure_request SET state = $2, next_try_at = now() + $3 WHERE request_id = $1 AND state = 'asked'",
        request_id,
        state,
        wait,
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
    """Note which services have nothing left; when none has, forget whose request it was."""
    await tx.execute(
        """UPDATE erasure_request SET lending_done = $2, messages_done = $3,
            state = CASE WHEN $2 AND $3 THEN 'done' ELSE state END,
            done_at = CASE WHEN $2 AND $3 THEN $4::timestamptz END,
            patron_id = CASE WHEN $2 AND $3 THEN NULL ELSE patron_id END
        WHERE request_id = $1 AND state = 'erasing'""",
        request_id,
        lending,
        messages,
        tx.now,
    )


async def of_patron(reader: Database | Transaction, patron_id: int) -> Request | None:
    """Return a patron's request that is not done."""
    return _row(
        await reader.fetchrow(f"SELECT {COLUMNS} FROM erasure_request WHERE patron_id = $1", patron_id)  # noqa: S608  a constant
    )


async def find(database: Database, request_id: int) -> Request | None:
    """Return a request by its id."""
    return _row(
        await database.fetchrow(f"SELECT {COLUMNS} FROM erasure_request WHERE request_id = $1", request_id)  # noqa: S608  a constant
    )


async def withdraw(tx: Transaction, patron_id: int) -> bool:
    """Delete a request that waits or was refused; False for one that is under way."""
    found = await tx.fetchval(
        "DELETE FROM erasure_request WHERE patron_id = $1 AND state IN ('waiting', 'refused') RETURNING request_id",
        patron_id,
    )
    return found is not None


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


async def forget(tx: Transaction, kept: timedelta) -> list[asyncpg.Record]:
    """Delete requests that were refused, or done, longer ago than `kept`; return (request_id, agency, was_personal)."""
    return await tx.fetch(
        "DELETE FROM erasure_request WHERE (state = 'done' AND done_at <= $1) OR (state = 'refused' AND asked_at <= $1)"
        " RETURNING request_id, agency, patron_id IS NOT NULL AS was_personal",
        tx.now - kept,
    )
