"""The metadata of this service's database: its own registry, so that four services live in one process."""

from pathlib import Path

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from glem.outbox import outbox_table
from glem_retention.policy_book import policy_table

MIGRATIONS = Path(__file__).parent / "migrations"


class Table(SQLModel, registry=registry()):
    """Base of every table of notifier."""


metadata = Table.metadata
outbox = outbox_table(metadata)
policy_version = policy_table(metadata)
