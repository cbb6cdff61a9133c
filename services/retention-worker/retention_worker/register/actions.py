"""Registers what is gone.

The risk. The register is the proof of each erasure, and its guard: no event gives a clock to a registered record again (H7). A
line that is missing would let a replayed event bring a record back; a line too many would keep a record from its erasure.

The principle. One line per record, whoever reports it first: the answer to an order, or the owner's event. The table is
append-only by a trigger. The line, the deletion of the clock with its salt, the count of the due day and the leaf of the log are
one transaction, so that a crash leaves all of them or none. With the salt deleted, only the
holder of a receipt can tell from then on which leaf was this record's.

The locks. First the advisory lock of the agency's records of the class, so that a sweep and the owner's event about the same
records come one after the other; then the clocks; last the log's lock, which every such transaction takes (`log.actions.append`).
Nothing may be locked after that one.

What it is not: evidence against the owner. A registered record that its owner still has is erased again (`audits.actions`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from glem.database import Database, Transaction
from retention_worker.log.rules import LeafKind, Receipts, hour_of
from retention_worker.register import store
from retention_worker.register.rules import OUTCOME, DuePolicy

log = structlog.get_logger(__name__)


class Done(NamedTuple):
    """New lines: how late each record was, and the receipts still to be appended to the log, last in the transaction."""

    lags: list[timedelta]
    receipts: Receipts


async def complete(
    tx: Transaction,
    policy: DuePolicy,
    agency: str,
    record_class: str,
    record_ids: Sequence[int],
    *,
    action: str,
    at: datetime,
    found_gone: bool = False,
) -> Done:
    """Register each of `record_ids` once, and delete their clocks and salts."""
    version, terms = policy.of(agency, record_class, at)
    outcome = "gone" if found_gone else OUTCOME[action]
    entries = await store.complete(
        tx,
        agency=agency,
        record_class=record_class,
        record_ids=record_ids,
        outcome=outcome,
        policy_version=version,
        terms=terms,
        done_at=at,
    )
    if held := sum(entry["held"] for entry in entries):
        log.error("held_records_gone", agency=agency, record_class=record_class, records=held)
    return Done(
        [entry["late"] for entry in entries if entry["late"] is not None],
        Receipts(
            LeafKind(agency, record_class, outcome, version, hour_of(at)), [entry["commitment"] for entry in entries]
        ),
    )


async def page(
    database: Database, agency: str | None, after: int, limit: int, record_classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return lines past number `after`, of one agency or of all, of some classes or all."""
    return await store.page(database, agency, after, limit, record_classes)
