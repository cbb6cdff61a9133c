"""CPR numbers and PINs are in no log, event, token, URL, metric or problem document (H86)."""

import base64
import inspect
import io
import logging
import sys

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

import patron_api.absence.tables
import patron_api.blocks.tables
import patron_api.cards.tables
import patron_api.contacts.tables
import patron_api.guardians.tables
import patron_api.identity.tables
import patron_api.notes.tables
import patron_api.patrons.tables
import patron_api.permissions.tables
from glem.logs import configure_logs
from patron_api.base import metadata


async def test_a_cpr_number_and_a_pin_leave_no_trace(suite, monkeypatch):
    sink = io.StringIO()
    monkeypatch.setattr(sys, "stderr", sink)
    configure_logs("DEBUG")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    cpr, pin = suite.cpr(), "86420"
    body = suite.make_registration(cpr=cpr, pin=pin, cards=[{"kind": "health"}])
    headers = await suite.bearer("librarian")
    answers = [await suite.http.post("/patrons", json=body, headers=headers) for _ in range(2)]
    refused = [answers[1]]
    patron_id = answers[0].json()["patron_id"]
    logged_in = await suite.log_in(cpr, pin)
    refused.append(await suite.log_in(cpr, pin + "1"))
    refused.append(await suite.http.post("/patrons", json={**body, "name": 1}, headers=headers))
    refused.append(await suite.http.post("/patrons", json={**body, "cpr": cpr + "1"}, headers=headers))
    refused.append(await suite.http.post("/patrons/search", json={"card": cpr, "limit": "x"}, headers=headers))
    other = suite.cpr()
    await suite.make_patron(cpr=other)
    refused.append(await suite.http.post(f"/patrons/{patron_id}/cpr-update", json={"cpr": other}, headers=headers))
    await suite.runtime.database.execute("ALTER TABLE card RENAME TO card_away")
    try:
        broken = await suite.register(cpr=suite.cpr())
    finally:
        await suite.runtime.database.execute("ALTER TABLE card_away RENAME TO card")
    assert broken.status_code == 500
    refused.append(broken)
    metrics = await suite.http.get("/metrics")
    payloads = await suite.runtime.database.fetch("SELECT convert_from(payload, 'UTF8') AS text, key FROM outbox")
    access = logged_in.json()["access_token"]
    claims = base64.urlsafe_b64decode(access.split(".")[1] + "==").decode()
    assert all(answer.status_code >= 400 for answer in refused)
    places = {
        "logs": sink.getvalue(),
        "events": str([tuple(row) for row in payloads]),
        "tokens": claims,
        "problems": "".join(answer.text for answer in refused),
        "metrics": metrics.text,
        "urls": str([str(answer.request.url) for answer in [*answers, *refused, logged_in]]),
    }
    for place, text in places.items():
        for secret in (cpr, f"{cpr[:6]}-{cpr[6:]}", pin, other, "Karen"):
            assert secret not in text, place
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name LIKE '%cpr%'"
    found = {tuple(row) for row in await suite.runtime.database.fetch(columns)}
    assert found == {("patron", "cpr"), ("guardian", "cpr")}


async def test_the_migrations_make_what_the_tables_declare(suite):
    url = suite.runtime.settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    assert differences == []


def test_every_column_says_what_it_is():
    for table in metadata.tables.values():
        for column in table.columns:
            assert "personal" in column.info, f"{table.name}.{column.name}: say plain() or personal()"
        if table.name != "outbox":
            assert "agency" in table.columns
    assert inspect.ismodule(patron_api.patrons.tables)


async def test_the_key_and_the_data_survive_a_restart(suite, tmp_path, open_again):
    cpr = suite.cpr()
    made = await suite.make_patron(cpr=cpr)
    headers = await suite.patron_bearer(cpr)
    async with open_again(suite.runtime.settings.database_url, tmp_path / "clock") as again:
        assert (await again.http.get("/patrons/me", headers=headers)).json()["patron_id"] == made["patron_id"]
        assert await again.runtime.database.fetchval("SELECT count(*) FROM signing_key") == 1
        assert await again.runtime.database.fetchval("SELECT count(*) FROM account WHERE role = 'administrator'") == 4
