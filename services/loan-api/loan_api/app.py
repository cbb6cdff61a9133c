"""The wiring of loan-api: routes, consumers and background work around a Runtime."""

from fastapi import FastAPI

from glem.disposals import disposal_router
from glem.service import Runtime, build_app
from loan_api.agency import Lending
from loan_api.debts.routes import router as debts
from loan_api.disposals import disposers
from loan_api.works.routes import router as works

DESCRIPTION = "Works, items, loans, reservations and debts. Amounts are in øre, times in UTC, dates are Danish days."


def create_app(runtime: Runtime) -> FastAPI:
    """Return the application of loan-api on `runtime`; raises PolicyFileError for a wrong section [lending]."""
    lending = Lending(runtime.agencies)
    routers = [works, debts, disposal_router(disposers(runtime.agencies))]
    app = build_app(runtime, title="Glem loan-api", description=DESCRIPTION, routers=routers)
    app.state.lending = lending
    return app
