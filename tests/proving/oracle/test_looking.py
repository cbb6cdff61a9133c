"""The oracle's own eyes find an old value wherever it is written."""

from __future__ import annotations

import asyncpg

from tests.proving.oracle.looking import Looker


async def test_an_old_value_is_found_in_any_table_and_in_bytes(fresh_database):
    url = await fresh_database()
    connection = await asyncpg.connect(url)
    await connection.execute(
        """CREATE TABLE outbox (seq bigint, payload bytea); CREATE TABLE letter (body text, more jsonb, words text[]);
        CREATE TABLE clean (body text)"""
    )
    await connection.execute("INSERT INTO outbox VALUES (1, $1)", b'Hej {"to":"gammel@post.example.dk"}')
    await connection.execute(
        "INSERT INTO letter VALUES ('ring på +4526123456', '{\"mail\": \"gammel@post.example.dk\"}', '{}')"
    )
    await connection.execute("INSERT INTO clean VALUES ('ny@post.example.dk 26 12 34 56 126123456')")
    await connection.close()

    async with Looker.open({"shop": url}) as looker:
        found = await looker.trace({"gammel@post.example.dk", "+4526123456", "andet@post.example.dk"})

    assert found == {"gammel@post.example.dk": ["shop.letter", "shop.outbox"], "+4526123456": ["shop.letter"]}
