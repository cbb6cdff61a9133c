"""Looking directly: the register over HTTP, and the tables of the four databases by plain queries that share nothing with the services."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from tests.proving.oracle.observation import (
    DatedRow,
    DebtRow,
    LiftedBlock,
    Line,
    LoanRow,
    MessageRow,
    Observation,
    PatronRow,
    Record,
    ReservationRow,
)

PAGE = 10_000
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|\+\d{8,15}|(?<!\d)\d{8}(?!\d)")
LOANS = """
SELECT loan_id, loan.agency, patron_id, barcode AS item, loan.work_id, loan.branch, loaned_at, due_on, renewals, returned_at,
    closed_as
FROM loan LEFT JOIN item USING (item_id)
"""
DEBTS = """
SELECT debt_id, agency, patron_id, kind, cause, amount, balance, raised_at, settled_at, due_on,
    coalesce((SELECT sum(e.amount) FROM debt_entry e WHERE e.debt_id = debt.debt_id), 0)::bigint AS entries,
    ARRAY(SELECT loan_id FROM debt_material m WHERE m.debt_id = debt.debt_id) AS loans
FROM debt
"""
ORPHANS = """
SELECT 'debt_material' AS name, count(*) AS rows FROM debt_material WHERE NOT EXISTS (
    SELECT FROM debt WHERE debt.debt_id = debt_material.debt_id) HAVING count(*) > 0
UNION ALL SELECT 'debt_entry', count(*) FROM debt_entry WHERE NOT EXISTS (
    SELECT FROM debt WHERE debt.debt_id = debt_entry.debt_id) HAVING count(*) > 0
UNION ALL SELECT 'payment', count(*) FROM payment WHERE NOT EXISTS (SELECT FROM debt_entry e
    WHERE e.agency = payment.agency AND e.order_id = payment.order_id) HAVING count(*) > 0
"""
TOTALS = """
SELECT agency, kind, sum(amount)::bigint AS amount FROM (
    SELECT agency, kind, amount FROM debt_total
    UNION ALL
    SELECT e.agency, debt.kind, e.amount FROM debt_entry e JOIN debt USING (debt_id)
) lines GROUP BY agency, kind
"""


class Looker:
    """Connections for looking: one per database, kept over all glances."""

    def __init__(self, databases: Mapping[str, asyncpg.Connection]) -> None:
        """Look through these connections, by service."""
        self._databases = databases
        self._locks = {service: asyncio.Lock() for service in databases}
        self._spoken_of: defaultdict[int, set[Record]] = defaultdict(set)
        self._lifted: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, urls: Mapping[str, str]) -> AsyncIterator["Looker"]:
        """Connect to the databases, by service; raises OSError when one cannot be reached."""
        connections: dict[str, asyncpg.Connection] = {}
        try:
            for service, url in urls.items():
                connections[service] = await asyncpg.connect(url)
            yield cls(connections)
        finally:
            for connection in connections.values():
                await connection.close()

    async def glance(self) -> None:
        """Note of which records the messages of this moment speak; later nobody can tell."""
        for row in await self._fetch("notifier", "SELECT message_id, record_class, record_id FROM message_subject"):
            self._spoken_of[row["message_id"]].add((row["record_class"], row["record_id"]))

    async def note_of(self, patron_id: int, kind: str) -> int | None:
        """Return the id of the patron's note of a kind, which no answer names."""
        query = "SELECT note_id FROM note WHERE patron_id = $1 AND kind = $2"
        return await self._one("patron-api", query, patron_id, kind)

    async def absence_of(self, patron_id: int) -> int | None:
        """Return the id of the patron's absence, which no answer names."""
        return await self._one("patron-api", "SELECT absence_id FROM absence WHERE patron_id = $1", patron_id)

    async def new_lifted_blocks(self) -> dict[int, LiftedBlock]:
        """Return the blocks that have been lifted since this was last asked."""
        query = (
            "SELECT block_id, agency, patron_id, code AS kind, lifted_at AS at FROM block WHERE lifted_at IS NOT NULL"
        )
        rows = [row for row in await self._fetch("patron-api", query) if row["block_id"] not in self._lifted]
        self._lifted.update(row["block_id"] for row in rows)
        return {row["block_id"]: LiftedBlock(**_without(row, "block_id")) for row in rows}

    async def registered(self) -> int:
        """Return how many lines the register has by now."""
        return await self._one("retention-worker", "SELECT count(*) FROM register") or 0

    async def look(self, now: datetime, register: Iterable[Line], searched: Iterable[str]) -> Observation:
        """Read all tables once; `searched` are values that should be nowhere."""
        await self.glance()
        loans = await self._fetch("loan-api", LOANS)
        debts = await self._fetch("loan-api", DEBTS)
        reservations = await self._fetch(
            "loan-api", "SELECT reservation_id, agency, patron_id, work_id FROM reservation"
        )
        messages = await self._fetch(
            "notifier", "SELECT message_id, agency, patron_id, kind, channel, state, sent_at FROM message"
        )
        bodies = await self._fetch("notifier", "SELECT message_id, sent_at FROM message_body")
        subjects: defaultdict[int, set[Record]] = defaultdict(set)
        for row in await self._fetch("notifier", "SELECT message_id, record_class, record_id FROM message_subject"):
            subjects[row["message_id"]].add((row["record_class"], row["record_id"]))
        seen = Observation(
            now=now,
            register=list(register),
            loans={row["loan_id"]: LoanRow(**_without(row, "loan_id")) for row in loans},
            debts={
                row["debt_id"]: DebtRow(**{**_without(row, "debt_id"), "loans": frozenset(row["loans"])})
                for row in debts
            },
            reservations={
                row["reservation_id"]: ReservationRow(**_without(row, "reservation_id")) for row in reservations
            },
            messages={row["message_id"]: MessageRow(**_without(row, "message_id")) for row in messages},
            bodies={row["message_id"]: row["sent_at"] for row in bodies},
            subjects=subjects,
            spoken_of=self._spoken_of,
            orphans=[f"{row['name']}: {row['rows']}" for row in await self._fetch("loan-api", ORPHANS)],
            totals={(row["agency"], row["kind"]): row["amount"] for row in await self._fetch("loan-api", TOTALS)},
            traces=await self.trace(frozenset(searched)),
        )
        await self._look_at_patrons(seen)
        return seen

    async def _look_at_patrons(self, seen: Observation) -> None:
        rows = await self._fetch(
            "patron-api", 'SELECT patron_id, agency, patron_group AS "group", home_branch, language FROM patron'
        )
        seen.patrons = {row["patron_id"]: PatronRow(**_without(row, "patron_id")) for row in rows}
        contacts: defaultdict[int, set[str]] = defaultdict(set)
        for row in await self._fetch("patron-api", "SELECT patron_id, value FROM contact"):
            contacts[row["patron_id"]].add(row["value"])
        seen.contacts = contacts
        seen.notes = await self._dated("SELECT note_id AS id, agency, patron_id, kind, written_at AS at FROM note")
        seen.absences = await self._dated(
            "SELECT absence_id AS id, agency, patron_id, 'absence' AS kind, until_day AS at FROM absence"
        )
        seen.blocks = await self._dated(
            "SELECT block_id AS id, agency, patron_id, code AS kind, lifted_at AS at FROM block"
        )

    async def _dated(self, query: str) -> dict[int, DatedRow]:
        return {row["id"]: DatedRow(**_without(row, "id")) for row in await self._fetch("patron-api", query)}

    async def trace(self, searched: frozenset[str]) -> dict[str, list[str]]:
        """Return where any of `searched` is written, in any table of any database, as "service.table"."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        wanted = {form: value for value in searched for form in {value, value.removeprefix("+45")}}
        for service, connection in self._databases.items():
            for table, columns in (await self._columns(connection)).items():
                async for text in _texts(connection, table, columns):
                    for word in ADDRESS.findall(text):
                        if word in wanted:
                            found[wanted[word]].add(f"{service}.{table}")
        return {value: sorted(places) for value, places in found.items()}

    async def _columns(self, connection: asyncpg.Connection) -> dict[str, list[str]]:
        rows = await connection.fetch(
            """SELECT table_name, column_name, data_type FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'bytea', 'ARRAY', 'jsonb', 'json')
            ORDER BY table_name, ordinal_position"""
        )
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            name = f'"{row["column_name"]}"'
            found[row["table_name"]].append(
                f"encode({name}, 'escape')" if row["data_type"] == "bytea" else f"{name}::text"
            )
        return found

    async def _one(self, service: str, query: str, *arguments: object) -> int | None:
        async with self._locks[service]:
            value: int | None = await self._databases[service].fetchval(query, *arguments)
        return value

    async def _fetch(self, service: str, query: str) -> list[asyncpg.Record]:
        async with self._locks[service]:
            return await self._databases[service].fetch(query)


async def _texts(connection: asyncpg.Connection, table: str, columns: list[str]) -> AsyncIterator[str]:
    query = f"SELECT concat_ws(' ', {', '.join(columns)}) AS text FROM \"{table}\""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(query, prefetch=5000):
            yield row["text"]


async def read_register(client: httpx.AsyncClient, url: str, token: str) -> list[Line]:
    """Return all lines of the register that the bearer of `token` may see; raises httpx.HTTPStatusError when refused."""
    lines: list[Line] = []
    after = 0
    while True:
        answer = await client.get(
            url, params={"after": after, "limit": PAGE}, headers={"authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
        page = answer.json()
        lines += [
            Line(
                entry["agency"],
                entry["record_class"],
                entry["record_id"],
                entry["outcome"],
                datetime.fromisoformat(entry["done_at"]),
            )
            for entry in page["entries"]
        ]
        if len(page["entries"]) < PAGE:
            return lines
        after = page["next"]


def _without(row: asyncpg.Record, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
