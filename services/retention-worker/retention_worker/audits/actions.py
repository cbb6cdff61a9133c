"""The audit: finds records past their period that the clocks missed, and has them erased.

The clocks come from events, and events can be lost or forged. So each owner is asked, and answers by a query over its facts.
A record that only the owner reports gets a clock, is erased by the next sweep, and is counted as missed.

If a record is registered as erased but its owner still has it, the owner is right: a forged event registered it (H107), or a
restored database brought it back (H78). It is ordered away again, and counted as a contradiction.
"""

from collections.abc import Sequence

import structlog

from glem.clients import PeerError
from glem.ids import new_id
from glem_contracts.disposals import LARGEST_LOOK, LARGEST_ORDER, DisposalOrder
from glem_contracts.events.envelope import RecordClock
from glem_retention.runtime import Runtime
from retention_worker.audits import store
from retention_worker.clocks import store as clocks
from retention_worker.clocks.store import Scope
from retention_worker.figures import Figures
from retention_worker.owners import dispose, overdue
from retention_worker.sweeps import rules

log = structlog.get_logger(__name__)

PAGE = 1000


class Auditor:
    """Asks each owner, by the owner's own query, what it holds past its period."""

    def __init__(self, runtime: Runtime, figures: Figures) -> None:
        self._runtime = runtime
        self._figures = figures

    async def audit(self, scopes: Sequence[Scope] | None = None) -> int:
        """Give clocks to overdue records of `scopes` (None: of all) that have none here; return how many were found."""
        found = 0
        if scopes is None:
            scopes = rules.scopes_of(self._runtime.agencies, await self._runtime.database.now())
        for scope in scopes:
            try:
                found += await self._audit_scope(scope)
            except PeerError as error:
                log.warning("audit_failed", record_class=scope.record_class, reason=str(error))
        return found

    async def _audit_scope(self, scope: Scope) -> int:
        # The owner answers oldest first: records known here that wait (held, stopped by a breaker, not yet leased) must not hide the others.
        known = await clocks.count_due(self._runtime.database, scope, LARGEST_LOOK - PAGE)
        found = await overdue(self._runtime.clients, scope.agency, scope.record_class, PAGE + known)
        if not found:
            return 0
        async with self._runtime.database.transaction() as tx:
            missed = await clocks.unknown(tx, scope, [(record.record_id, record.anchor) for record in found])
            clocks_found = [
                (
                    scope.agency,
                    RecordClock(
                        record_class=scope.record_class,
                        record_id=record.record_id,
                        version=record.version,
                        anchor=record.anchor,
                    ),
                )
                for record in found
                if record.record_id in missed
            ]
            taken = await clocks.keep_newest(tx, clocks_found, by_audit=True)
        if taken:
            self._figures.missed.labels(scope.agency, scope.record_class).inc(taken)
            log.warning("audit_found_missed", agency=scope.agency, record_class=scope.record_class, records=taken)
        return taken + await self._take_back(scope, [record.record_id for record in found])

    async def _take_back(self, scope: Scope, record_ids: list[int]) -> int:
        """Have records erased that are registered as gone and still there; return how many. A record that a sweep erased meanwhile is none."""
        database = self._runtime.database
        present = await store.registered_and_free(database, scope.record_class, record_ids, await database.now())
        if not present:
            return 0
        order = DisposalOrder(
            disposal_id=new_id(),
            agency=scope.agency,
            record_class=scope.record_class,
            record_ids=present[:LARGEST_ORDER],
        )
        outcome = await dispose(self._runtime.clients, order)
        contradicted = len(outcome.erased) + len(outcome.redacted)
        if contradicted:
            self._figures.contradictions.labels(scope.agency, scope.record_class).inc(contradicted)
            log.critical(
                "register_contradicted", agency=scope.agency, record_class=scope.record_class, records=contradicted
            )
        return contradicted
