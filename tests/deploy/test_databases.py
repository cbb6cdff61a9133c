"""The databases as the first start of the container makes them, on a PostgreSQL of this machine."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from embedded.services import SERVICES
from glem.migrations import upgrade
from glem_local.postgres import PostgresServer, temporary_postgres

HBA = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost all all all scram-sha-256\n"


@pytest_asyncio.fixture(scope="module")
async def server(tmp_path_factory) -> AsyncIterator[tuple[PostgresServer, Path]]:
    """A server on which the script of the first start has run, and the folder that it took for the server's data."""
    async with temporary_postgres() as server:
        script = Path(__file__).parents[2] / "deploy" / "postgres" / "10-databases.sh"
        data = tmp_path_factory.mktemp("data")
        (data / "pg_hba.conf").write_text(HBA)
        address = parse_qs(urlsplit(server.url("postgres")).query)
        environment = {
            "PATH": f"{server._programs.folder}:{os.environ['PATH']}",
            "PGHOST": address["host"][0],
            "PGPORT": address["port"][0],
            "PGDATA": str(data),
            "POSTGRES_USER": "glem",
            **{f"{service.module.upper()}_DB_PASSWORD": f"it's {service.module}" for service in SERVICES},
        }
        if not (server._programs.folder / "psql").exists():
            pytest.skip("this PostgreSQL has no psql")
        await asyncio.to_thread(subprocess.run, [script], env=environment, check=True, capture_output=True, timeout=60)
        yield server, data


def address(server: PostgresServer, role: str, database: str) -> str:
    return server.url(database).replace("//glem@", f"//{role}@")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_service_makes_its_tables_without_being_superuser(service, server):
    await upgrade(address(server[0], service.module, service.database), service.migrations, service.metadata)


async def test_a_service_cannot_enter_the_database_of_another(server):
    for service in SERVICES:
        for other in SERVICES:
            if other is not service:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await asyncpg.connect(address(server[0], service.module, other.database))


async def test_passwords_are_kept_as_scram_secrets(server):
    connection = await asyncpg.connect(server[0].url("postgres"))
    kept = await connection.fetch(
        "SELECT rolname, rolpassword FROM pg_authid WHERE rolname NOT LIKE 'pg\\_%' AND NOT rolsuper"
    )
    await connection.close()
    assert {row["rolname"] for row in kept} == {service.module for service in SERVICES}
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in kept)


def test_only_encrypted_lines_are_let_in_from_elsewhere(server):
    text = (server[1] / "pg_hba.conf").read_text()
    assert "hostssl all all all scram-sha-256\n" in text
    assert "\nhost all all all " not in text
