"""The metadata of this service's database: its own registry, so that four services live in one process."""

from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import Sequence
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from glem.database import Database, Transaction
from glem.outbox import outbox_table
from glem_retention.policy_book import policy_table

MIGRATIONS = Path(__file__).parent / "migrations"
Row = TypeVar("Row")
Reader = Transaction | Database


class Table(SQLModel, registry=registry()):
    """Base of every table of loan-api."""


metadata = Table.metadata
outbox = outbox_table(metadata)
policy_version = policy_table(metadata)
pickup_numbers = Sequence("pickup_numbers", metadata=metadata, start=1, minvalue=1, maxvalue=9999, cycle=True)


def row_of(kind: type[Row], record: asyncpg.Record) -> Row:
    """Return `record` as the dataclass `kind`; columns that it does not name are left out."""
    return kind(*[record[name] for name in kind.__annotations__])
