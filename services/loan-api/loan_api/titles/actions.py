"""Naming what a message is about, at the moment it is sent; and saying what a patron still has."""

from glem_contracts.titles import DebtTitle, LoanTitle, ReservationTitle, Titles, TitlesWanted
from glem_retention.runtime import Runtime
from loan_api.debts.store import resolve_debts
from loan_api.titles import store
from loan_api.titles.schemas import Standing


async def resolve(runtime: Runtime, wanted: TitlesWanted) -> Titles:
    """Return titles of what is there and not due."""
    database, now = runtime.database, runtime.clock.now()
    loans = await store.name_loans(database, wanted.loan_ids, runtime.agencies.cutoffs("loan", now))
    reservations = await store.name_reservations(database, wanted.reservation_ids)
    cutoffs = {agency: runtime.agencies.cutoff(agency, "debt", now) for agency in runtime.agencies}
    debts = await resolve_debts(database, wanted.debt_ids, cutoffs)
    return Titles(
        loans=[LoanTitle(**record) for record in loans],
        reservations=[ReservationTitle(**record) for record in reservations],
        debts=[DebtTitle(**debt) for debt in debts],
    )


async def standing(runtime: Runtime, patron_id: int) -> Standing:
    """Return what a patron still has; zeros for one that lending does not know."""
    return Standing(**await store.standing(runtime.database, patron_id))
