"""The record classes of the retention worker itself: who placed holds, changed policies and let floods go."""

import retention_worker
from glem_retention.records import Records, declared_in
from retention_worker.base import metadata


def records() -> Records:
    """Put the declarations together; raises DeclarationError when one is missing."""
    return Records(owner="retention-worker", metadata=metadata, declared=declared_in(retention_worker))
