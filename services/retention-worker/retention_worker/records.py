"""The record classes of the retention worker itself: who placed holds, changed policies and let floods go."""

from collections.abc import Sequence

import retention_worker
from glem.database import Transaction
from glem_retention.records import OwnDisposal, Records, declared_in
from retention_worker.base import metadata


async def _nothing(_: Transaction, __: str, ___: str, ____: Sequence[int]) -> int:
    return 0


def records() -> Records:
    """Put the declarations together; raises DeclarationError when one is missing."""
    return Records(
        owner="retention-worker",
        metadata=metadata,
        declared=declared_in(retention_worker),
        own=(
            # Goes by jobs still.
            OwnDisposal(
                record_class="policy-change", tables=("policy_step", "breaker"), disposer=None, replay=_nothing
            ),
        ),
    )
