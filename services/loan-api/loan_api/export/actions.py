"""Collecting what lending holds about one person and what is not due."""

from glem_contracts.holdings import DataSection
from glem_retention.records import export
from glem_retention.runtime import Runtime
from loan_api.borrowers.store import find_borrower
from loan_api.debts.rules import extent, keeping
from loan_api.debts.store import debts_of_patron
from loan_api.export import rules
from loan_api.records import DECLARED


async def collect(runtime: Runtime, patron_id: int) -> list[DataSection]:
    """Return every personal field about a patron; nothing of one whom lending does not know, or who is erased."""
    database = runtime.database
    borrower = await find_borrower(database, patron_id)
    if borrower is None or borrower.erased:
        return []
    agency, now = borrower.agency, await database.now()
    loans = runtime.agencies.cutoff(agency, "loan", now)
    kept = keeping(runtime.agencies, agency, now)
    extents = {debt.debt_id: extent(debt, kept) for debt in await debts_of_patron(database, patron_id)}
    whole = [debt_id for debt_id, seen in extents.items() if seen == "whole"]
    amounts = [debt_id for debt_id, seen in extents.items() if seen == "amount"]
    return [
        await rules.BORROWER.read(database, patron_id, runtime.agencies.cutoff(agency, "absence", now)),
        await rules.LOANS.read(database, patron_id, loans),
        await rules.RESERVATIONS.read(database, patron_id),
        await rules.DEBTS.read(database, whole),
        await rules.AMOUNTS.read(database, amounts),
        await rules.MATERIALS.read(database, whole),
        await rules.ENTRIES.read(database, [*whole, *amounts]),
        await rules.PAYMENTS.read(database, patron_id, [*whole, *amounts]),
        await rules.HOMEBOUND_CONSENT.read(database, patron_id),
        *await export(DECLARED, database, runtime.agencies, agency, patron_id, now),
        await rules.VIEWED_LOANS.read(database, patron_id, loans, runtime.agencies.cutoff(agency, "viewing", now)),
    ]
