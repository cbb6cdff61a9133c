"""The end of a patron in lending: decided on a wish to be erased, or following the event that patron-api has erased the patron."""

from collections.abc import Sequence

from glem.clients import Clients
from glem.database import Transaction
from glem.problems import Refusal
from glem_contracts.closing import Closing, OpenDebt, OpenLoan
from glem_contracts.events import DebtErased, LoanErased, PatronErased
from glem_contracts.events.envelope import Erasure, Event
from glem_contracts.holds import LARGEST_HOLD, LOOK_UP_HOLDS, NamedRecords, RecordHold
from glem_contracts.remains import Remains
from glem_retention.confirming import confirm_erased
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.base import Reader
from loan_api.borrowers.actions import meet
from loan_api.borrowers.store import entomb, find_borrower, lock_borrower
from loan_api.closing import store
from loan_api.debts.erasure import erase_settled_of_patron
from loan_api.homebound import actions as homebound
from loan_api.loans.store import erase_closed_loans
from loan_api.reservations.actions import erase_reservations
from loan_api.viewings import actions as viewings


async def close(runtime: Runtime, lending: Lending, patron_id: int) -> Closing | Refusal:
    """Erase everything of a patron, or refuse with each open loan and debt and each legal hold; repeating it is harmless.

    Refuses with unknown-patron; raises PeerError while the retention worker cannot say what is under a legal hold.
    """
    met = await meet(runtime, patron_id)
    if isinstance(met, Refusal):
        return await _closed_before(runtime, patron_id) or met
    held = await _held(runtime, patron_id)
    if held:
        return await _refused(runtime.database, patron_id, held)
    return await _close(runtime, lending, patron_id)


@again
async def _close(runtime: Runtime, lending: Lending, patron_id: int) -> Closing:
    """Decide and erase under the borrower's lock: a check-out comes wholly before, and is seen, or finds nobody (H39)."""
    async with runtime.database.transaction() as tx:
        borrower = await lock_borrower(tx, patron_id)
        if borrower is None or borrower.erased:
            return Closing(closed=True)
        against = await _refused(tx, patron_id, [])
        if against.loans or against.debts:
            return against
        await forget_patron(tx, lending, borrower.agency, patron_id)
    return Closing(closed=True)


async def forget_patrons(tx: Transaction, clients: Clients, lending: Lending, events: Sequence[Event]) -> None:
    """Empty the rows of erased patrons; their reservations, closed loans and settled debts go at once (R32, H38).

    Of one whom lending has not let go of yet, patron-api must confirm it: raises ForgedError, or LaterError (H107).
    """
    patrons = {event.data.patron_id: event.agency for event in events if isinstance(event.data, PatronErased)}
    for patron_id in sorted(patrons):
        borrower = await find_borrower(tx, patron_id)
        if borrower is not None and not borrower.erased:
            await confirm_erased(clients, patron_id)
        await forget_patron(tx, lending, patrons[patron_id], patron_id)


async def forget_patron(tx: Transaction, lending: Lending, agency: str, patron_id: int) -> None:
    """Leave of a patron the random id alone; what is open (loans, debts) stays until it ends."""
    await entomb(tx, [patron_id], [agency])
    await erase_reservations(tx, lending[agency], patron_id)
    loans = await erase_closed_loans(tx, patron_id)
    if loans:
        erased = [Erasure(record_class="loan", record_ids=loans)]
        tx.record(agency, loans[0], LoanErased(erased=erased))
    if settled := await erase_settled_of_patron(tx, agency, patron_id):
        tx.record(agency, settled[0].record_ids[0], DebtErased(erased=settled))
    await homebound.forget(tx, agency, patron_id)
    await viewings.forget_patron(tx, agency, patron_id)


async def look(runtime: Runtime, patron_id: int) -> Closing:
    """Say what stands against a patron's end now, and change nothing; raises as `close`."""
    found = await _refused(runtime.database, patron_id, await _held(runtime, patron_id))
    forgotten, _ = await store.remains(runtime.database, patron_id)
    return found.model_copy(update={"closed": forgotten})


async def remains(runtime: Runtime, patron_id: int) -> Remains:
    """Count what is left of a patron."""
    forgotten, records = await store.remains(runtime.database, patron_id)
    return Remains(forgotten=forgotten, records=records)


async def _closed_before(runtime: Runtime, patron_id: int) -> Closing | None:
    forgotten, _ = await store.remains(runtime.database, patron_id)
    return Closing(closed=True) if forgotten else None


async def _refused(reader: Reader, patron_id: int, held: list[RecordHold]) -> Closing:
    return Closing(
        closed=False,
        loans=[OpenLoan(**record) for record in await store.open_loans(reader, patron_id)],
        debts=[OpenDebt(**record) for record in await store.open_debts(reader, patron_id)],
        held=held,
    )


async def _held(runtime: Runtime, patron_id: int) -> list[RecordHold]:
    """Ask the retention worker which of the patron's loans and debts are under a legal hold."""
    found: list[RecordHold] = []
    for record_class, ids in (await store.records_of(runtime.database, patron_id)).items():
        for first in range(0, len(ids), LARGEST_HOLD):
            records = NamedRecords(record_class=record_class, record_ids=ids[first : first + LARGEST_HOLD])
            held = await runtime.clients.call("retention-worker", LOOK_UP_HOLDS, records)
            found += held
    return found
