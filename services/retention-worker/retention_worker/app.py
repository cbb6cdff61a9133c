"""The only wiring of the retention worker."""

from fastapi import FastAPI

from glem.envelope import EventData
from glem.restore import Restorable
from glem.service import Runtime, build_app
from retention_worker.audits.actions import Auditor
from retention_worker.clocks.consumers import note_taker
from retention_worker.figures import Figures
from retention_worker.holds import actions as hold_actions
from retention_worker.holds import routes as holds
from retention_worker.log import routes as proofs
from retention_worker.log.actions import Log
from retention_worker.marks import routes as marks
from retention_worker.register import routes as register
from retention_worker.register.rules import PolicyVersion
from retention_worker.settings import WorkerSettings
from retention_worker.status import actions as status_actions
from retention_worker.status import routes as status
from retention_worker.sweeps.actions import Sweeper

FIGURES_SECONDS = 5.0
SIGN_SECONDS = 1.0
FORGET_HOLDS_SECONDS = 3600.0


def create_app(runtime: Runtime) -> FastAPI:
    """Return the worker's application; its settings must be WorkerSettings."""
    settings = runtime.settings
    if not isinstance(settings, WorkerSettings):
        message = "the retention worker needs WorkerSettings"
        raise TypeError(message)
    figures = Figures(runtime.metrics)
    sweeps = runtime.every(settings.sweep_seconds, "sweep", Sweeper(runtime, settings, figures).sweep)
    auditor = Auditor(runtime, figures)
    runtime.every(settings.audit_seconds, "audit", auditor.audit, timely=False)
    runtime.every(
        FIGURES_SECONDS, "figures", lambda: status_actions.refresh_figures(runtime, sweeps, figures), timely=False
    )
    log = Log(runtime.database, settings.log_key.get_secret_value())
    runtime.every(SIGN_SECONDS, "sign", log.sign)
    runtime.every(FORGET_HOLDS_SECONDS, "forget-holds", lambda: hold_actions.forget(runtime))
    runtime.consume({EventData: note_taker(PolicyVersion(runtime.agencies), sweeps.wake)})
    app = build_app(
        runtime,
        title="Glem: retention worker",
        routers=[status.router, register.router, proofs.router, holds.router, marks.router],
        description="The clock: what is due, the sweep, the register of what was erased, its log that anyone can check, and legal holds.",
    )
    app.state.sweeps = sweeps
    app.state.log = log
    app.state.auditor = auditor
    runtime.guard.restorable = Restorable({})
    return app
