"""What the tests of outages stand on."""

from tests.retention_worker.conftest import worker

__all__ = ["worker"]
