"""Reads the state of erasure."""

from datetime import datetime

from glem.background import BackgroundTask
from glem_retention.runtime import Runtime
from retention_worker.clocks import store as clocks
from retention_worker.figures import Figures
from retention_worker.holds import actions as holds
from retention_worker.log import actions as proofs
from retention_worker.register import store as register
from retention_worker.status.schemas import Disposed, ScopeStatus, Status
from retention_worker.sweeps import rules


async def read_status(runtime: Runtime, sweeps: BackgroundTask, agency: str | None) -> Status:
    """Return what is overdue, what falls due next and what was erased, for `agency` or all."""
    now = await runtime.database.now()
    scopes = [scope for scope in rules.scopes_of(runtime.agencies, now) if agency in {None, scope.agency}]
    found = [_scope_status(runtime, row, now) for row in await clocks.overdue_figures(runtime.database, scopes, now)]
    return Status(
        now=now,
        overdue=sum(scope.overdue for scope in found),
        held=sum(scope.held for scope in found),
        sweep_heartbeat_seconds=sweeps.silent_seconds,
        clock_skew_seconds=(await runtime.database.skew()).total_seconds(),
        scopes=found,
        disposed=[
            Disposed(
                agency=row["agency"],
                record_class=row["record_class"],
                outcome=row["outcome"],
                records=row["records"],
                latest_seconds=row["latest"].total_seconds() if row["latest"] is not None else None,
            )
            for row in await register.totals(runtime.database)
            if agency in {None, row["agency"]}
        ],
    )


async def refresh_figures(runtime: Runtime, sweeps: BackgroundTask, figures: Figures) -> int:
    """Set the gauges; return 0: this task never has more to do."""
    status = await read_status(runtime, sweeps, None)
    figures.heartbeat.set(status.sweep_heartbeat_seconds)
    for scope in status.scopes:
        figures.overdue.labels(scope.agency, scope.record_class).set(scope.overdue)
        figures.oldest.labels(scope.agency, scope.record_class).set(scope.oldest_overdue_seconds)
        figures.stuck.labels(scope.agency, scope.record_class).set(scope.stuck)
        figures.held.labels(scope.agency, scope.record_class).set(scope.held)
    await holds.refresh_figures(runtime, figures)
    figures.log_unsigned.set(await proofs.unsigned(runtime.database))
    return 0


def _scope_status(runtime: Runtime, row: clocks.ClockFigures, now: datetime) -> ScopeStatus:
    def due(anchor: datetime | None) -> datetime | None:
        return None if anchor is None else runtime.agencies.due_at(row["agency"], row["record_class"], anchor)

    oldest = due(row["oldest"])
    return ScopeStatus(
        agency=row["agency"],
        record_class=row["record_class"],
        overdue=row["overdue"],
        held=row["held"],
        stuck=row["stuck"],
        oldest_overdue_seconds=(now - oldest).total_seconds() if oldest is not None else 0.0,
        next_due=due(row["next_anchor"]),
    )
