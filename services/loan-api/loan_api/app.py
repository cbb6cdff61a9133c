"""The wiring of loan-api: routes, consumers and background work around a Runtime."""

from fastapi import FastAPI

from glem.service import build_app
from glem_contracts.events import ConsentGiven, ConsentWithdrawn, PatronErased, PatronSnapshot, PolicyAdopted
from glem_retention.disposals import disposal_router
from glem_retention.policy_book import PolicyBook
from glem_retention.purposes import purposes_router
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.base import metadata
from loan_api.borrowers.consumers import on_snapshot
from loan_api.calendar import actions as calendar
from loan_api.claims.routes import router as claims
from loan_api.closing.consumers import on_erased
from loan_api.closing.routes import router as closing
from loan_api.collection.routes import router as collection
from loan_api.debts.routes import router as debts
from loan_api.export.routes import router as export
from loan_api.homebound.consumers import on_consent
from loan_api.homebound.routes import router as homebound
from loan_api.loans.routes import check_out
from loan_api.loans.routes import router as loans
from loan_api.records import records
from loan_api.reservations.routes import router as reservations
from loan_api.restore import restorable
from loan_api.returns.routes import check_in
from loan_api.returns.routes import router as returns
from loan_api.settings import CALENDAR_SECONDS
from loan_api.titles.routes import router as titles
from loan_api.viewings import actions as viewing
from loan_api.viewings.routes import router as viewings
from loan_api.works import tables as _declared  # noqa: F401  no row type of it is used, yet the metadata needs it
from loan_api.works.routes import router as works

DESCRIPTION = "Works, items, loans, reservations and debts. Amounts are in øre, times in UTC, dates are Danish days."


def create_app(runtime: Runtime) -> FastAPI:
    """Return the application of loan-api on `runtime`; raises PolicyFileError for a wrong section [lending]."""
    lending = Lending(runtime.agencies)
    runtime.consume(
        {
            PatronSnapshot: on_snapshot,
            PatronErased: on_erased(runtime.clients, lending),
            ConsentGiven: on_consent,
            ConsentWithdrawn: on_consent,
            PolicyAdopted: PolicyBook(runtime).note,
        }
    )
    seconds = getattr(runtime.settings, "calendar_seconds", CALENDAR_SECONDS)
    runtime.every(seconds, "calendar", lambda: calendar.pass_once(runtime, lending))
    kept = records(lending, runtime.agencies)
    disposers = kept.disposers()
    routers = [
        works,
        loans,
        returns,
        claims,
        reservations,
        collection,
        debts,
        viewings,
        titles,
        homebound,
        closing,
        export,
        disposal_router(disposers),
        purposes_router(metadata),
    ]
    app = build_app(
        runtime, title="Glem loan-api", description=DESCRIPTION, routers=routers, plain=[check_out, check_in]
    )
    app.state.lending = lending
    app.state.records = kept
    app.state.disposers = disposers
    app.state.watch = viewing.Watch(runtime.metrics)
    runtime.guard.restorable = restorable(runtime.database, kept)
    return app
