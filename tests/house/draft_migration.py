"""Drafts migrations: `make migration MESSAGE="add the door log"`. How to go on from the draft: docs/writing-a-migration.md.

A temporary PostgreSQL is brought to a service's newest migration and compared with the tables that the service declares. Where
they differ, the difference is written to the service's `migrations/versions` under the next number.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import AlterColumnOp, ModifyTableOps
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel.sql.sqltypes import AutoString

from glem.migrations import upgrade
from glem_local.postgres import temporary_postgres
from tests.house.schema import metadata_of
from tests.house.tree import ROOT, SERVICES

if TYPE_CHECKING:
    from alembic.operations.ops import MigrationScript
    from sqlalchemy import Connection, MetaData

DRAFT = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {previous}


def upgrade() -> None:
    {body}
'''


async def draft(url: str, folder: Path, metadata: MetaData, message: str) -> Path | None:
    """Write the migration that `metadata` lacks in `folder`, and return its file; None when nothing differs.

    `url` names an empty database. It is left at the newest migration of `folder`, without the draft.
    """
    await upgrade(url, folder, metadata)
    script, body = await compare(url, metadata)
    if script.upgrade_ops.is_empty():
        return None
    versions = folder / "versions"
    last = max((file.name[:4] for file in versions.glob("[0-9]*.py")), default=None)
    revision = f"{int(last or 0) + 1:04}"
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    file = versions / f"{revision}_{slug}.py"
    previous = f'"{last}"' if last else "None"
    sentence = message[:1].upper() + message[1:].rstrip(".")
    file.write_text(DRAFT.format(message=sentence, revision=revision, previous=previous, body=body), encoding="utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    await asyncio.to_thread(subprocess.run, [ruff, "format", "--quiet", file], cwd=ROOT, check=True)
    return file


async def compare(url: str, metadata: MetaData) -> tuple[MigrationScript, str]:
    """Return what the database at `url` lacks of `metadata`: as Alembic's operations, and as the body of `upgrade`."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_compare, metadata)
    finally:
        await engine.dispose()


def _compare(connection: Connection, metadata: MetaData) -> tuple[MigrationScript, str]:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    script = produce_migrations(context, metadata)
    drop_same_defaults(script)
    body = render_python_code(script.upgrade_ops, migration_context=context, render_item=render_item)
    return script, re.sub(r"^\s*# ###.*\n?", "", body, flags=re.MULTILINE).strip()


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write SQLModel's type of text as SQLAlchemy's; leave everything else to Alembic."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


def drop_same_defaults(script: MigrationScript) -> None:
    """Take out the changes of a default that are none.

    Alembic evaluates both defaults to compare them, and a random one never equals itself.
    """
    operations = script.upgrade_ops
    for table in operations.ops:
        if isinstance(table, ModifyTableOps):
            table.ops = [change for change in table.ops if not _is_same_default(change)]
    operations.ops = [each for each in operations.ops if not (isinstance(each, ModifyTableOps) and not each.ops)]


def _is_same_default(change: object) -> bool:
    return isinstance(change, AlterColumnOp) and all(
        kind == "modify_default" and _plain(before) == _plain(after)
        for kind, *_, before, after in change.to_diff_tuple()
    )


def _plain(default: object) -> str:
    return re.sub(r"[()\s]|::[a-z ]+", "", str(getattr(default, "arg", default)))


async def draft_all(message: str, service: str | None) -> int:
    """Draft for every service, or for the one named; print the drafts and return how many there are."""
    found = 0
    async with temporary_postgres() as server:
        for package in SERVICES:
            name = package.parent.name
            if service not in {None, name}:
                continue
            await server.create_database(package.name)
            migrations = importlib.import_module(f"{package.name}.base").MIGRATIONS
            file = await draft(server.url(package.name), migrations, metadata_of(package), message)
            print(f"{name}: {file.relative_to(ROOT) if file else 'tables and migrations agree'}")
            if file:
                found += 1
                print(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    names = [package.parent.name for package in SERVICES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message", help="what the migration does, such as: add the door log")
    parser.add_argument("service", nargs="?", choices=["", *names], help="only this service")
    given = parser.parse_args()
    if not re.search(r"[a-z]", given.message, re.IGNORECASE):
        parser.error('say what the migration does: make migration MESSAGE="add the door log"')
    asyncio.run(draft_all(given.message, given.service or None))


if __name__ == "__main__":
    main()
