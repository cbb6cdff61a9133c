"""The outbox: events written in the transaction of the state that they describe. `glem.relay` sends them.

Order: a row's `seq` is given while its record's row is locked, so two events of one record are in order. Sent rows stay for a
grace period, so that a broker that lost them can be refilled, then go.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, LargeBinary, MetaData, Table, Text, func, text

from glem_contracts.events.envelope import Event


class OutboxRow(NamedTuple):
    """What `INSERT INTO outbox (topic, key, payload)` takes."""

    topic: str
    key: str
    payload: bytes


def outbox_table(metadata: MetaData) -> Table:
    """Declare the outbox in a service's own metadata. Its rows hold random ids only, and go after the grace period."""
    plain = {"personal": False}
    return Table(
        "outbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), nullable=False, info=plain),
        Column("topic", Text, nullable=False, info=plain),
        Column("key", Text, nullable=False, info=plain),
        Column("payload", LargeBinary, nullable=False, info=plain),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now(), info=plain),
        Column("published_at", DateTime(timezone=True), nullable=True, info=plain),
        Index("outbox_unsent", "seq", postgresql_where=text("published_at IS NULL")),
        Index("outbox_recorded", "recorded_at", postgresql_using="brin"),
    )


async def write(connection: asyncpg.pool.PoolConnectionProxy, events: Sequence[tuple[str, Event]]) -> None:
    """Write recorded events; called by the transaction just before it commits."""
    await connection.execute(
        "INSERT INTO outbox (topic, key, payload) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])",
        [topic for topic, _ in events],
        [event.subject for _, event in events],
        [event.to_json() for _, event in events],
    )
