"""The outbox: events written in the transaction of the state that they describe. `glem.relay` sends them.

The risk. If a return commits and its event is lost, the worker has no clock and the loan stays until an audit finds it. If the
event is sent and the return rolls back, other services act on something that never happened.

The principle. An event is a row of the same database, inserted in the same transaction as the state, just before its commit: both
exist or neither. The relay sends committed rows to the transport afterwards.

The order. An action locks the record's row first and holds it until the commit. So of two transactions about one record the second
gets its `seq` after the first has committed, and events of a record are in the order of `seq`. Between records there is no order,
and a lower `seq` may commit later than a higher one: no reader may page by "greater than the last seen".

Sending. One relay per database (an advisory lock) sends unpublished rows by `seq`, and sets `published_at` when the transport has
stored them. So events are sent at least once, and consumers must accept repetitions.

Published rows stay for 24 hours. A broker that has stored fewer events than were sent to it has lost some; then all of these rows
are sent again. Rows hold random ids, codes, dates and amounts only.

What a crash leaves. Before the commit: nothing. Committed and unsent: the next relay sends it. Sent and not yet marked: sent again.
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
    """Declare the outbox in a service's own metadata. Its rows hold random ids, codes, dates and amounts."""
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
    """Insert recorded events; the transaction calls it just before it commits."""
    await connection.execute(
        "INSERT INTO outbox (topic, key, payload) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])",
        [topic for topic, _ in events],
        [event.subject for _, event in events],
        [event.to_json() for _, event in events],
    )
