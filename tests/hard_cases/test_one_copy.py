"""A service reads the one database that it writes: what is due is hidden at once, and no copy lags behind (H85)."""

import pytest

from glem.settings import Settings
from loan_api.settings import LoanSettings
from notifier.settings import NotifierSettings
from patron_api.settings import PatronSettings
from retention_worker.settings import WorkerSettings


@pytest.mark.parametrize("settings", [PatronSettings, LoanSettings, NotifierSettings, WorkerSettings])
def test_h85_a_service_knows_one_database_and_no_replica(settings: type[Settings]):
    named = [name for name in settings.model_fields if "database" in name or "replica" in name or "dsn" in name]
    assert named == ["database_url"]
