"""Logging what staff looks at, showing the log to the data protection officer, and forgetting it (H106)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.metrics import Metrics
from glem_contracts.events import ViewingsErased
from glem_contracts.events.envelope import Erasure
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.viewings import rules, store
from loan_api.viewings.rules import Reason
from loan_api.viewings.tables import CLASS, Viewing

log = structlog.get_logger(__name__)

BATCH = 1000


class Watch:
    """The alarm for staff who look at very many patrons' loans."""

    def __init__(self, metrics: Metrics) -> None:
        """Register the figure."""
        self.too_often = Counter(
            "glem_viewings_too_often",
            "Looks of staff at ended loans beyond what is usual within an hour.",
            ["agency"],
            registry=metrics.registry,
        )


async def note(
    runtime: Runtime,
    lending: Lending,
    watch: Watch,
    principal: Principal,
    *,
    agency: str,
    patron_id: int,
    loan_ids: Sequence[int],
    reason: Reason,
) -> None:
    """Log that staff was shown these ended loans; before the answer is given, so that nothing is seen unlogged."""
    if not loan_ids or not rules.is_viewing(principal):
        return
    async with runtime.database.transaction() as tx:
        viewing = Viewing(
            viewing_id=new_id(),
            agency=agency,
            staff=principal.subject,
            patron_id=patron_id,
            at=tx.now,
            reason=reason,
        )
        await store.write(tx, viewing, loan_ids)
        patrons = await store.patrons_viewed(tx, agency, principal.subject, tx.now - rules.WINDOW)
    if rules.is_too_often(patrons, lending[agency].viewings_per_hour):
        watch.too_often.labels(agency).inc()
        log.warning("viewings_too_often", agency=agency, viewing_id=viewing.viewing_id, patrons=patrons)


async def page(
    runtime: Runtime, lending: Lending, agency: str, patron_id: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return who of the agency's staff looked at ended loans, of one patron or of all, newest first."""
    now = await runtime.database.now()
    rows = await store.page(
        runtime.database,
        agency,
        patron_id,
        since=now - timedelta(days=lending[agency].viewing_days),
        due=runtime.agencies.cutoff(agency, "loan", now),
        limit=limit,
    )
    return [dict(row) for row in rows]


async def forget(runtime: Runtime, lending: Lending) -> int:
    """Erase the viewings whose time has passed; return how many."""
    now, done = await runtime.database.now(), 0
    for agency, lends in lending.items():
        async with runtime.database.transaction() as tx:
            gone = await store.forget(tx, agency, now - timedelta(days=lends.viewing_days), BATCH)
            _tell(tx, agency, gone)
        done += len(gone)
    return done


async def forget_patron(tx: Transaction, agency: str, patron_id: int) -> None:
    """Erase the viewings of a patron who goes (R32)."""
    _tell(tx, agency, await store.forget_patron(tx, patron_id))


def _tell(tx: Transaction, agency: str, viewing_ids: list[int]) -> None:
    if viewing_ids:
        erased = [Erasure(record_class=CLASS, record_ids=viewing_ids)]
        tx.record(agency, viewing_ids[0], ViewingsErased(erased=erased))
