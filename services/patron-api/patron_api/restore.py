"""What patron-api does when its database came from a backup: what the register names as gone goes again (H78, H80)."""

from collections.abc import Sequence
from functools import partial

from glem.database import Transaction
from glem_contracts.events import PatronChanged, PatronDataErased
from glem_contracts.events.envelope import Erasure
from glem_retention.restore import Restorable
from patron_api.context import PatronApi
from patron_api.patrons.changes import tell_lending_of_many

# More than any patron's version counts up between a backup and its return: lending must not take ours for old.
LEAP = 1 << 20
AT_ONCE = 1000
# Where records of a class are, and their key.
TABLES = {
    "internal-note": (("note", "note_id"),),
    "patron-note": (("note", "note_id"),),
    "absence": (("absence", "absence_id"),),
    "lifted-block": (("block", "block_id"),),
    "contact": (("contact", "contact_id"), ("address", "address_id")),
    "card": (("card", "card_id"),),
    "guardian": (("guardian", "guardian_id"),),
    "account": (("account", "account_id"),),
    "patron": (("patron", "patron_id"),),
}
TOLD = {"absence", "lifted-block"}


def restorable(api: PatronApi) -> Restorable:
    """Return what the guard is to do."""
    again = {name: partial(_erase, api, name) for name in TABLES}
    return Restorable(first=partial(_leap, api), again=again)


async def _leap(api: PatronApi) -> None:
    """Tell lending of every patron as the backup knows them, by versions higher than those it has seen."""
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


async def _erase(api: PatronApi, record_class: str, tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
    """Delete records; a patron with all that hangs on the row."""
    gone: list[int] = []
    patrons: set[int] = set()
    for table, key in TABLES[record_class]:
        told = ", patron_id" if record_class in TOLD else ""
        rows = await tx.fetch(
            f"DELETE FROM {table} WHERE {key} = ANY($1::bigint[]) AND agency = $2 RETURNING {key} AS id{told}",  # noqa: S608
            ids,
            agency,
        )
        gone += [row["id"] for row in rows]
        if told:
            patrons |= {row["patron_id"] for row in rows}
    if gone:
        erased = [Erasure(record_class=record_class, record_ids=gone)]
        tx.record(agency, gone[0], PatronDataErased(erased=erased))
    if patrons:
        await tell_lending_of_many(api, tx, agency, sorted(patrons), PatronChanged)
    return len(gone)
