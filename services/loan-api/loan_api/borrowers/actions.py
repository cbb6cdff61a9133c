"""Keeping the borrower rows: from patron-api's events, and by one call for a patron not met before."""

from collections.abc import Sequence
from http import HTTPStatus

from glem.clients import Clients, PeerError
from glem.database import Transaction, columns_of
from glem.problems import Refusal
from glem_contracts.events import DebtErased, LoanErased, PatronErased, PatronSnapshot
from glem_contracts.events.envelope import Erasure, Event
from glem_contracts.snapshots import READ_SNAPSHOT, Snapshot
from glem_retention.confirming import confirm_erased
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.borrowers import store
from loan_api.borrowers.problems import UNKNOWN_PATRON
from loan_api.borrowers.tables import BorrowerRow
from loan_api.debts.erasure import erase_settled_of_patron
from loan_api.homebound import actions as homebound
from loan_api.loans.store import erase_closed_loans
from loan_api.reservations.actions import erase_reservations
from loan_api.viewings import actions as viewings


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


async def forget_patrons(tx: Transaction, clients: Clients, lending: Lending, events: Sequence[Event]) -> None:
    """Empty the rows of erased patrons; their reservations, closed loans and settled debts go at once (R32, H38).

    Of one whom lending has not let go of yet, patron-api must confirm it: raises ForgedError, or LaterError (H107).
    """
    patrons = {event.data.patron_id: event.agency for event in events if isinstance(event.data, PatronErased)}
    for patron_id in sorted(patrons):
        borrower = await store.find_borrower(tx, patron_id)
        if borrower is not None and not borrower.erased:
            await confirm_erased(clients, patron_id)
        await forget_patron(tx, lending, patrons[patron_id], patron_id)


async def forget_patron(tx: Transaction, lending: Lending, agency: str, patron_id: int) -> None:
    """Leave of a patron the random id alone; what is open (loans, debts) stays until it ends."""
    await store.entomb(tx, [patron_id], [agency])
    await erase_reservations(tx, lending[agency], patron_id)
    loans = await erase_closed_loans(tx, patron_id)
    if loans:
        erased = [Erasure(record_class="loan", record_ids=loans)]
        tx.record(agency, loans[0], LoanErased(erased=erased))
    if settled := await erase_settled_of_patron(tx, agency, patron_id):
        tx.record(agency, settled[0].record_ids[0], DebtErased(erased=settled))
    await homebound.forget(tx, agency, patron_id)
    await viewings.forget_patron(tx, agency, patron_id)


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
