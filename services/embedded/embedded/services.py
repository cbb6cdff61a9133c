"""The four services, as both compositions need them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import MetaData

import loan_api.app
import loan_api.base
import loan_api.settings
import notifier.app
import notifier.base
import notifier.settings
import patron_api.app
import patron_api.base
import patron_api.settings
import retention_worker.app
import retention_worker.base
import retention_worker.settings
from glem.settings import Settings
from glem_retention.runtime import Runtime


@dataclass(frozen=True)
class Service:
    """One service: its name, its module, and its factories."""

    name: str
    module: str
    database: str
    settings: type[Settings]
    create_app: Callable[[Runtime], FastAPI]
    migrations: Path
    metadata: MetaData


SERVICES = (
    Service(
        "patron-api",
        "patron_api",
        "glem_patrons",
        patron_api.settings.PatronSettings,
        patron_api.app.create_app,
        patron_api.base.MIGRATIONS,
        patron_api.base.metadata,
    ),
    Service(
        "loan-api",
        "loan_api",
        "glem_loans",
        loan_api.settings.LoanSettings,
        loan_api.app.create_app,
        loan_api.base.MIGRATIONS,
        loan_api.base.metadata,
    ),
    Service(
        "notifier",
        "notifier",
        "glem_messages",
        notifier.settings.NotifierSettings,
        notifier.app.create_app,
        notifier.base.MIGRATIONS,
        notifier.base.metadata,
    ),
    Service(
        "retention-worker",
        "retention_worker",
        "glem_retention",
        retention_worker.settings.WorkerSettings,
        retention_worker.app.create_app,
        retention_worker.base.MIGRATIONS,
        retention_worker.base.metadata,
    ),
)
