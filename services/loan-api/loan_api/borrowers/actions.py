"""Keeping the borrower rows: from patron-api's events, and by one call for a patron not met before."""

from collections.abc import Sequence
from http import HTTPStatus

from glem.clients import PeerError
from glem.database import Transaction, columns_of
from glem.problems import Refusal
from glem_contracts.events import PatronSnapshot
from glem_contracts.events.envelope import Event
from glem_contracts.snapshots import READ_SNAPSHOT, Snapshot
from glem_retention.runtime import Runtime
from loan_api.borrowers import store
from loan_api.borrowers.problems import UNKNOWN_PATRON
from loan_api.borrowers.tables import BorrowerRow


async def take_snapshots(tx: Transaction, events: Sequence[Event]) -> None:
    """Bring borrower rows up to the highest version seen; older and repeated snapshots change nothing."""
    newest: dict[int, tuple[str, PatronSnapshot]] = {}
    for event in events:
        snapshot = event.data
        if isinstance(snapshot, PatronSnapshot):
            known = newest.get(snapshot.patron_id)
            if known is None or known[1].version < snapshot.version:
                newest[snapshot.patron_id] = (event.agency, snapshot)
    await store.save_snapshots(tx, columns_of([_row(*pair) for pair in newest.values()], 9))


async def meet(runtime: Runtime, patron_id: int) -> BorrowerRow | Refusal:
    """Return the borrower, asking patron-api about one not met before; refuses with unknown-patron, raises PeerError.

    Outside any transaction: it calls another service.
    """
    borrower = await store.find_borrower(runtime.database, patron_id)
    if borrower is None:
        try:
            snapshot = await runtime.clients.call("patron-api", READ_SNAPSHOT, patron_id=patron_id)
        except PeerError as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                return UNKNOWN_PATRON()
            raise
        async with runtime.database.transaction() as tx:
            await store.save_snapshots(tx, columns_of([_row(snapshot.agency, snapshot)], 9))
        borrower = await store.find_borrower(runtime.database, patron_id)
    return UNKNOWN_PATRON() if borrower is None or borrower.erased else borrower


def _row(agency: str, snapshot: PatronSnapshot | Snapshot) -> tuple[object, ...]:
    return (
        snapshot.patron_id,
        agency,
        snapshot.version,
        snapshot.patron_group,
        snapshot.age_band,
        snapshot.home_branch,
        ",".join(snapshot.blocks),
        snapshot.absent_from,
        snapshot.absent_until,
    )
