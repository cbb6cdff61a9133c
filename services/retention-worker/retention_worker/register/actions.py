"""Entering what is gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from glem.database import Database, Transaction
from retention_worker.register import store
from retention_worker.register.rules import OUTCOME, PolicyVersion


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
) -> list[timedelta]:
    """Enter `record_ids` once and forget their clocks; return how late each new entry was."""
    version, period = policy.of(agency, record_class)
    return await store.complete(
        tx,
        agency=agency,
        record_class=record_class,
        record_ids=record_ids,
        outcome="gone" if found_gone else OUTCOME[action],
        policy_version=version,
        period=period,
        done_at=at,
    )


async def page(database: Database, agency: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Return entries past number `after`, of one agency or of all."""
    return await store.page(database, agency, after, limit)
