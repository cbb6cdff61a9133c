"""Logging what staff looks at, and showing the log to the data protection officer (H106)."""

from collections.abc import Sequence
from typing import Any

import structlog
from prometheus_client import Counter

from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.metrics import Metrics
from glem_contracts.events import LendingDataKept, ViewingsErased
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.viewings import rules, store
from loan_api.viewings.rules import Reason
from loan_api.viewings.tables import VIEWINGS, Viewing

log = structlog.get_logger(__name__)


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
        clock = VIEWINGS.clock(viewing.viewing_id, viewing.at)
        tx.record(agency, viewing.viewing_id, LendingDataKept(clocks=[clock]))
        patrons = await store.patrons_viewed(tx, agency, principal.subject, tx.now - rules.WINDOW)
    if rules.is_too_often(patrons, lending[agency].viewings_per_hour):
        watch.too_often.labels(agency).inc()
        log.warning("viewings_too_often", agency=agency, viewing_id=viewing.viewing_id, patrons=patrons)


async def page(runtime: Runtime, agency: str, patron_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return who of the agency's staff looked at ended loans, of one patron or of all, newest first."""
    now = await runtime.database.now()
    rows = await store.page(
        runtime.database,
        agency,
        patron_id,
        cutoff=runtime.agencies.cutoff(agency, VIEWINGS.record_class, now),
        loan_cutoff=runtime.agencies.cutoff(agency, "loan", now),
        limit=limit,
    )
    return [dict(row) for row in rows]


async def forget_patron(tx: Transaction, agency: str, patron_id: int) -> None:
    """Erase the viewings of a patron who goes (R32)."""
    viewing_ids = await VIEWINGS.ids_of(tx, patron_id)
    if viewing_ids:
        await VIEWINGS.delete(tx, agency, viewing_ids)
        tx.record(agency, viewing_ids[0], ViewingsErased(erased=[VIEWINGS.erasure(viewing_ids)]))
