"""Entering what is gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from glem.database import Database, Transaction
from retention_worker.log.rules import Kind, Receipts, hour_of
from retention_worker.register import store
from retention_worker.register.rules import OUTCOME, PolicyVersion

log = structlog.get_logger(__name__)


class Done(NamedTuple):
    """What was entered: how late each of it was, and what remains to be appended to the log, last in the transaction."""

    lags: list[timedelta]
    receipts: Receipts


async def complete(
    tx: Transaction,
    policy: PolicyVersion,
    agency: str,
    record_class: str,
    record_ids: Sequence[int],
    *,
    action: str,
    at: datetime,
    found_gone: bool = False,
) -> Done:
    """Enter `record_ids` once and forget their clocks and salts."""
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
        Receipts(Kind(agency, record_class, outcome, version, hour_of(at)), [entry["commitment"] for entry in entries]),
    )


async def page(
    database: Database, agency: str | None, after: int, limit: int, record_classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return entries past number `after`, of one agency or of all, of some classes or all."""
    return await store.page(database, agency, after, limit, record_classes)
