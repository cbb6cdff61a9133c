"""Erases again what a backup of patron-api brought back, by the lines of the register (H78, H80)."""

from functools import partial

from glem_contracts.events import PatronChanged
from glem_retention.records import Records
from glem_retention.restore import Restorable
from patron_api.context import PatronApi
from patron_api.patrons.changes import tell_lending_of_many

# Added to versions after a restore, so that lending does not ignore our events as old.
LEAP = 1 << 20
AT_ONCE = 1000


def restorable(api: PatronApi, kept: Records) -> Restorable:
    """Return the restore of patron-api."""
    return Restorable(before_replay=partial(_raise_versions, api), erase_again=kept.replays())


async def _raise_versions(api: PatronApi) -> None:
    """Record the snapshot of every patron in the backup, with versions higher than those that lending has seen."""
    await api.database.execute("UPDATE patron SET version = version + $1", LEAP)
    after = 0
    while True:
        async with api.database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT patron_id, agency FROM patron WHERE patron_id > $1 ORDER BY patron_id LIMIT $2", after, AT_ONCE
            )
            for agency in {row["agency"] for row in rows}:
                ids = [row["patron_id"] for row in rows if row["agency"] == agency]
                await tell_lending_of_many(api, tx, agency, ids, PatronChanged)
        if not rows:
            return
        after = rows[-1]["patron_id"]
