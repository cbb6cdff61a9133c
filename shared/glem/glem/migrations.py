"""Alembic on asyncpg: each service brings its database up to date as it starts, one process at a time."""

import asyncio
from pathlib import Path
from types import ModuleType

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATION_LOCK = 0x6D696772  # "migr"
# Alembic keeps the present migration in module-wide proxies, so one process may run one at a time.
ONE_AT_A_TIME = asyncio.Lock()


def configuration(folder: Path) -> Config:
    """Return Alembic's configuration for the migrations in `folder`."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(url: str, folder: Path, metadata: MetaData, revision: str = "head") -> None:
    """Bring the database at `url` to the newest migration in `folder`, or to `revision`, under an advisory lock."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
            try:
                async with ONE_AT_A_TIME:
                    await connection.run_sync(_upgrade, folder, metadata, revision)
                await connection.commit()
            finally:
                await connection.rollback()
                await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, folder: Path, metadata: MetaData, revision: str) -> None:
    config = configuration(folder)
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    command.upgrade(config, revision)


def run_environment(context: EnvironmentContext | ModuleType, config: Config) -> None:
    """Serve a service's `env.py`: run the migrations on the connection that `upgrade` has opened."""
    context.configure(connection=config.attributes["connection"], target_metadata=config.attributes["metadata"])
    with context.begin_transaction():
        context.run_migrations()
