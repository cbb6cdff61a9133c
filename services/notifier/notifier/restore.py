"""What notifier does when its database came from a backup: what the register names as gone goes again, and nothing is sent twice."""

from collections.abc import Sequence
from functools import partial

from glem.database import Database, Transaction
from glem_retention.records import Records
from glem_retention.restore import Restorable
from notifier.messages import store
from notifier.messages.actions import forget_patrons, record_erasure


def restorable(database: Database, kept: Records) -> Restorable:
    """Return what the guard is to do. What others told since the backup led to messages then, and must not again (H7)."""
    return Restorable(first=partial(_give_up_queue, database), relearns=False, again=kept.replays())


async def _give_up_queue(database: Database) -> None:
    """Send nothing that was waiting in the backup: most of it was sent since, and what it speaks of may be gone."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "UPDATE message SET state = 'suppressed', reason = 'restored' WHERE state IN ('queued', 'sending')"
            " RETURNING message_id"
        )
        await tx.execute(
            "DELETE FROM delivery WHERE message_id = ANY($1::bigint[])", [row["message_id"] for row in rows]
        )


async def bodies(tx: Transaction, agency: str, _: str, message_ids: Sequence[int]) -> int:
    """Delete bodies that are gone by the register."""
    rows = await store.lock_bodies(tx, agency, message_ids)
    ids = [row["message_id"] for row in rows]
    if ids:
        await store.delete_bodies(tx, ids)
        record_erasure(tx, [(agency, message_id) for message_id in ids])
    return len(ids)


async def envelopes(tx: Transaction, agency: str, _: str, message_ids: Sequence[int]) -> int:
    """Delete messages that are gone by the register."""
    rows = await store.lock_envelopes(tx, agency, message_ids)
    deleted = await store.delete_messages(tx, [row["message_id"] for row in rows])
    record_erasure(
        tx,
        [(agency, row["message_id"]) for row in deleted if row["had_body"]],
        envelopes=[(agency, row["message_id"]) for row in deleted],
    )
    return len(deleted)


async def about(record_class: str, tx: Transaction, _: str, outcome: str, ids: Sequence[int]) -> int:
    """Take the bodies that speak of records which are gone (H91)."""
    del outcome
    taken = await store.take_bodies_about(tx, {(record_class, record_id) for record_id in ids})
    record_erasure(tx, [(row["agency"], row["message_id"]) for row in taken])
    return len(taken)


async def patrons(tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
    """Delete the messages of erased patrons (H80)."""
    rows = await tx.fetch("SELECT DISTINCT patron_id FROM message WHERE patron_id = ANY($1::bigint[])", ids)
    await forget_patrons(tx, {(patron_id, agency) for patron_id in ids})
    return len(rows)
