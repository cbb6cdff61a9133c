"""The worker's test of itself (H70): a record of nobody falls due, is leased by the statement that leases all others, and is deleted."""

from datetime import timedelta

from glem.ids import new_id
from glem_retention.runtime import Runtime
from retention_worker.clocks import store
from retention_worker.clocks.store import Scope

CANARY, NOBODY = "canary", "-"
LEASE = timedelta(seconds=10)


class DeadCanaryError(Exception):
    """The test record was not leased or not deleted: nothing would be erased."""


async def test_yourself(runtime: Runtime) -> int:
    """Let a record of nobody fall due and be deleted; return 0: this task never has more to do. Raises DeadCanaryError."""
    database, canary = runtime.database, new_id()
    now = await database.now()
    await database.execute(
        "INSERT INTO clock (record_class, record_id, agency, version, anchor, tries) VALUES ($1, $2, $3, 1, $4, 0)",
        CANARY,
        canary,
        NOBODY,
        now,
    )
    leased = await store.lease_due(database, [Scope(NOBODY, CANARY, now)], now, size=100, lease=LEASE)
    found = [record_id for batch in leased for record_id in batch.record_ids]
    deleted = await database.execute(
        "DELETE FROM clock WHERE record_class = $1 AND record_id = ANY($2::bigint[])", CANARY, [*found, canary]
    )
    if canary not in found and deleted != "DELETE 0":
        message = "a record that was due was not found"
        raise DeadCanaryError(message)
    return 0
