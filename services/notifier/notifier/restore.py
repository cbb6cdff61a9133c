"""Erases again what a backup of notifier brought back, by the lines of the register; sends nothing twice (H7, H78)."""

from collections.abc import Sequence
from functools import partial

from glem.database import Database, Transaction
from glem_retention.records import Records
from glem_retention.restore import Restorable
from notifier.messages import store
from notifier.messages.actions import record_erasure
from notifier.rights.actions import forget_patrons


def restorable(database: Database, kept: Records) -> Restorable:
    """Return the restore of notifier. It does not handle events again: they led to messages the first time (H7)."""
    return Restorable(before_replay=partial(_give_up_queue, database), rereads_events=False, erase_again=kept.replays())


async def _give_up_queue(database: Database) -> None:
    """Suppress the messages that waited in the backup: most were sent since, and their records may be erased."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "UPDATE message SET state = 'suppressed', reason = 'restored' WHERE state IN ('queued', 'sending')"
            " RETURNING message_id"
        )
        await tx.execute(
            "DELETE FROM delivery WHERE message_id = ANY($1::bigint[])", [row["message_id"] for row in rows]
        )


async def bodies(tx: Transaction, agency: str, _: str, message_ids: Sequence[int]) -> int:
    """Delete bodies that the register names."""
    rows = await store.lock_bodies(tx, agency, message_ids)
    ids = [row["message_id"] for row in rows]
    if ids:
        await store.delete_bodies(tx, ids)
        record_erasure(tx, [(agency, message_id) for message_id in ids])
    return len(ids)


async def envelopes(tx: Transaction, agency: str, _: str, message_ids: Sequence[int]) -> int:
    """Delete messages that the register names."""
    rows = await store.lock_envelopes(tx, agency, message_ids)
    deleted = await store.delete_messages(tx, [row["message_id"] for row in rows])
    record_erasure(
        tx,
        [(agency, row["message_id"]) for row in deleted if row["had_body"]],
        envelopes=[(agency, row["message_id"]) for row in deleted],
    )
    return len(deleted)


async def about(record_class: str, tx: Transaction, _: str, outcome: str, ids: Sequence[int]) -> int:
    """Delete the bodies about erased records (H91)."""
    del outcome
    taken = await store.take_bodies_about(tx, {(record_class, record_id) for record_id in ids})
    record_erasure(tx, [(row["agency"], row["message_id"]) for row in taken])
    return len(taken)


async def patrons(tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
    """Delete the messages of erased patrons (H80)."""
    rows = await tx.fetch("SELECT DISTINCT patron_id FROM message WHERE patron_id = ANY($1::bigint[])", ids)
    await forget_patrons(tx, {(patron_id, agency) for patron_id in ids})
    return len(rows)
