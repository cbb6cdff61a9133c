"""Builds the application of the retention worker: the only module that wires its parts."""

from fastapi import FastAPI

from glem.service import build_app
from glem_contracts.events.envelope import EventData
from glem_retention.disposals import disposal_router
from glem_retention.policy_book import PolicyBook
from glem_retention.purposes import purposes_router
from glem_retention.restore import Restorable
from glem_retention.runtime import Runtime
from retention_worker import canary
from retention_worker.audits.actions import Auditor
from retention_worker.base import metadata
from retention_worker.breakers import routes as breaker_routes
from retention_worker.clocks.consumers import clock_handler
from retention_worker.figures import Figures
from retention_worker.holds import routes as holds
from retention_worker.log import routes as proofs
from retention_worker.log.actions import Log
from retention_worker.marks import routes as marks
from retention_worker.policies import actions as policies
from retention_worker.policies import routes as policy_routes
from retention_worker.policies.publishing import Publisher
from retention_worker.records import records
from retention_worker.register import routes as register
from retention_worker.register.rules import DuePolicy
from retention_worker.settings import WorkerSettings
from retention_worker.status import actions as status_actions
from retention_worker.status import routes as status
from retention_worker.sweeps.actions import Sweeper

FIGURES_SECONDS = 5.0
SIGN_SECONDS = 1.0
CANARY_SECONDS = 30.0
BREAKER_SECONDS = 15.0
HOUR_SECONDS = 3600.0
PURPOSES_SECONDS = 300.0


def create_app(runtime: Runtime) -> FastAPI:
    """Return the worker's application; its settings must be WorkerSettings."""
    settings = runtime.settings
    if not isinstance(settings, WorkerSettings):
        message = "the retention worker needs WorkerSettings"
        raise TypeError(message)
    figures = Figures(runtime.metrics)
    sweeper = Sweeper(runtime, settings, figures)
    sweeps = runtime.every(settings.sweep_seconds, "sweep", sweeper.sweep)
    breakers = sweeper.breakers
    auditor = Auditor(runtime, figures)
    runtime.every(settings.audit_seconds, "audit", auditor.audit, timely=False)
    runtime.every(
        FIGURES_SECONDS, "figures", lambda: status_actions.refresh_figures(runtime, sweeps, figures), timely=False
    )
    log = Log(runtime.database, settings.log_key.get_secret_value())
    runtime.every(SIGN_SECONDS, "sign", log.sign)
    publisher = Publisher(runtime)
    runtime.every(PURPOSES_SECONDS, "purposes", publisher.ask_services, timely=False)
    PolicyBook(runtime)
    runtime.starting.append(lambda: policies.adopt_files(runtime))
    runtime.every(HOUR_SECONDS, "tell-policies", lambda: policies.tell_again(runtime), timely=False)
    runtime.every(BREAKER_SECONDS, "breakers", lambda: breakers.refresh_figures(figures), timely=False)
    runtime.consume({EventData: clock_handler(DuePolicy(runtime.agencies), sweeps.wake)})
    runtime.every(CANARY_SECONDS, "canary", lambda: canary.test_yourself(runtime), timely=False)
    kept = records()
    disposers = kept.disposers()
    app = build_app(
        runtime,
        title="Glem: retention worker",
        routers=[
            status.router,
            register.router,
            proofs.router,
            holds.router,
            marks.router,
            policy_routes.router,
            breaker_routes.router,
            disposal_router(disposers),
            purposes_router(metadata),
        ],
        description="Clocks, sweeps, the register of erased records, its log that anyone can check, and legal holds.",
    )
    app.state.sweeps = sweeps
    app.state.log = log
    app.state.breakers = breakers
    app.state.publisher = publisher
    app.state.auditor = auditor
    app.state.records = kept
    app.state.disposers = disposers
    # The register goes back with this database: after a restore the audit finds what of its own is due.
    runtime.guard.restorable = Restorable(kept.replays())
    return app
