"""Letting go of a patron who wants to be erased, or saying what stands against it."""

from http import HTTPStatus

from pydantic import TypeAdapter

from glem.problems import UNAVAILABLE, Refusal
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending
from loan_api.base import Reader
from loan_api.borrowers.actions import forget_patron, meet
from loan_api.borrowers.store import lock_borrower
from loan_api.closing import store
from loan_api.closing.schemas import Closing, HeldRecord, OpenDebt, OpenLoan, Remains

LARGEST_QUESTION = 1000
_HELD = TypeAdapter(list[HeldRecord])


async def close(runtime: Runtime, lending: Lending, patron_id: int) -> Closing | Refusal:
    """Erase everything of a patron, or refuse with each open loan and debt and each legal hold; repeating it is harmless.

    Refuses with unknown-patron; unavailable while nobody can say what is under a legal hold.
    """
    met = await meet(runtime, patron_id)
    if isinstance(met, Refusal):
        return await _closed_before(runtime, patron_id) or met
    held = await _held(runtime, patron_id)
    if isinstance(held, Refusal) or held:
        return held if isinstance(held, Refusal) else await _refused(runtime.database, patron_id, held)
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


async def look(runtime: Runtime, patron_id: int) -> Closing | Refusal:
    """Say what stands against a patron's end now, and change nothing; refuses with unavailable."""
    held = await _held(runtime, patron_id)
    if isinstance(held, Refusal):
        return held
    found = await _refused(runtime.database, patron_id, held)
    forgotten, _ = await store.remains(runtime.database, patron_id)
    return found.model_copy(update={"closed": forgotten})


async def remains(runtime: Runtime, patron_id: int) -> Remains:
    """Count what is left of a patron."""
    forgotten, records = await store.remains(runtime.database, patron_id)
    return Remains(forgotten=forgotten, records=records)


async def _closed_before(runtime: Runtime, patron_id: int) -> Closing | None:
    forgotten, _ = await store.remains(runtime.database, patron_id)
    return Closing(closed=True) if forgotten else None


async def _refused(reader: Reader, patron_id: int, held: list[HeldRecord]) -> Closing:
    return Closing(
        closed=False,
        loans=[OpenLoan(**record) for record in await store.open_loans(reader, patron_id)],
        debts=[OpenDebt(**record) for record in await store.open_debts(reader, patron_id)],
        held=held,
    )


async def _held(runtime: Runtime, patron_id: int) -> list[HeldRecord] | Refusal:
    """Ask the retention worker which of the patron's loans and debts are under a legal hold."""
    found: list[HeldRecord] = []
    for record_class, ids in (await store.records_of(runtime.database, patron_id)).items():
        for first in range(0, len(ids), LARGEST_QUESTION):
            question = {"record_class": record_class, "record_ids": ids[first : first + LARGEST_QUESTION]}
            answer = await runtime.clients["retention-worker"].post("/holds/lookup", json=question)
            if answer.status_code != HTTPStatus.OK:
                return UNAVAILABLE()
            found += _HELD.validate_json(answer.content)
    return found
