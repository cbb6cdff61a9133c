"""A row with a value of its own in every column, so that each can be looked for afterwards."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Integer, LargeBinary

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg
    from sqlalchemy import Column, Table

BEGIN = datetime(2090, 1, 1, tzinfo=UTC)


MAKERS: tuple[tuple[type, Callable[[], Any]], ...] = (
    (ARRAY, lambda: [f"m{secrets.token_hex(5)}"]),
    (Boolean, lambda: True),
    (BigInteger, lambda: secrets.randbelow(2**50) + 2**50),
    (Integer, lambda: secrets.randbelow(10**8) + 10**9),
    (Date, lambda: BEGIN.date() + timedelta(days=secrets.randbelow(300_000))),
    (DateTime, lambda: BEGIN + timedelta(seconds=secrets.randbelow(3_000_000_000))),
    (LargeBinary, lambda: secrets.token_bytes(16)),
    (object, lambda: f"m{secrets.token_hex(5)}"),
)


def value_for(column: Column[Any]) -> Any:
    """Return a value that no other column has, in a time that is due for nothing."""
    return next(make() for kind, make in MAKERS if isinstance(column.type, kind))


async def plant(connection: asyncpg.Connection, table: Table, **known: Any) -> dict[str, Any]:
    """Insert a row of `table` with `known` values and new ones, and return it."""
    row = {
        column.name: known.get(column.name, value_for(column)) for column in table.columns if column.computed is None
    }
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    names = ", ".join(f'"{name}"' for name in row)
    await connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", *row.values())
    return row


def written(value: Any) -> list[str]:
    """Return the ways in which JSON may write a value."""
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, datetime):
        return [value.isoformat().replace("+00:00", "Z"), value.isoformat()]
    return [value.isoformat() if isinstance(value, date) else str(value)]
