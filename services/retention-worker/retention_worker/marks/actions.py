"""Stores marks, and helps an owner whose database came from a backup."""

import structlog

from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.marks import Audit, KnownMark, Mark
from glem_retention.runtime import Runtime
from retention_worker.audits.actions import Auditor
from retention_worker.clocks import store as clocks
from retention_worker.marks import rules, store
from retention_worker.sweeps.rules import scopes_of

log = structlog.get_logger(__name__)


async def find(runtime: Runtime, principal: Principal, service: str) -> KnownMark | Refusal | None:
    """Return the last mark of the service's database; None when it has sent none."""
    return rules.check_service(principal, service) or await store.find(runtime.database, service)


async def save(runtime: Runtime, principal: Principal, service: str, mark: Mark) -> Refusal | None:
    """Store the mark of the service's database."""
    refusal = rules.check_service(principal, service)
    if refusal is None:
        await store.save(runtime.database, service, mark)
    return refusal


async def forget_versions(runtime: Runtime, principal: Principal, service: str) -> Refusal | None:
    """Forget the versions of a restored service's clocks, because its own versions went back with its database."""
    refusal = rules.check_service(principal, service)
    if refusal is None:
        async with runtime.database.transaction() as tx:
            records = await store.forget_versions(tx, rules.classes_of(service))
        log.critical("owner_restored", owner=service, clocks=records)
    return refusal


async def audit(runtime: Runtime, principal: Principal, service: str, auditor: Auditor) -> Audit | Refusal:
    """Audit the service, and return how many of its records are past their period."""
    refusal = rules.check_service(principal, service)
    if refusal is not None:
        return refusal
    now = await runtime.database.now()
    owned = rules.classes_of(service)
    scopes = [scope for scope in scopes_of(runtime.agencies, now) if scope.record_class in owned]
    missed = await auditor.audit(scopes)
    figures = await clocks.overdue_figures(runtime.database, scopes, now)
    return Audit(overdue=missed + sum(scope["overdue"] for scope in figures))
