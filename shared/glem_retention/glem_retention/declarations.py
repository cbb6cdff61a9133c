"""A record class is declared once, beside its table; everything that erases its records follows from the declaration.

`Declared` names for one table and class: the key, the anchor, the facts from which the audit computes the anchor, the rows
deleted with the record, whose it is, and its section of the export. `glem_retention.records.Records` combines a service's
declarations, and stops its start when one is missing.

All SQL here is composed of declarations, which are constants of the code, never from input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlmodel import SQLModel

from glem.database import Database, Transaction
from glem.ids import new_id
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord, RefusedDisposal
from glem_contracts.events.envelope import Erasure, EventData, RecordClock
from glem_retention.holdings import Holding


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The row of which a record is a part. A disposal locks it too, because changes of the record lock it first."""

    table: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What one table keeps of one record class. Expressions are SQL over the row; a column name is an expression.

    `only` picks the rows of the class where a table keeps several. `anchor` is the time from which the period runs, NULL while
    something holds the record; without it the class has no clock. `facts` is the anchor for the audit, computed without the
    stored one. `version` increases whenever the anchor moves. `hangs` are (table, key column) deleted with the record.
    `erased_event` lists erased records; `kept_event` has the clock of a record that `keep` has made. `instead` replaces the
    deletion where only names are erased: assignments of an UPDATE. `in_snapshot` is true for a row that is part of the patron's
    snapshot for other services: its end is recorded as a change of the patron too.

    `shown_as` names the section of the export; `unshown` is the reason why no section follows from the declaration;
    `left_out` gives the reason for each personal column that the export leaves out; `extra` are further values.
    """

    record_class: str
    model: type[SQLModel]
    key: str
    erased_event: type[EventData]
    kept_event: type[EventData] | None = None
    only: str = "TRUE"
    patron: str | None = "patron_id"
    anchor: str = ""
    facts: str = ""
    version: str = "1"
    parent: Parent | None = None
    hangs: Sequence[tuple[str, str]] = ()
    instead: str = ""
    in_snapshot: str = ""
    shown_as: str | None = None
    unshown: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """The table."""
        table: Table = vars(self.model)["__table__"]
        return table

    @property
    def name(self) -> str:
        """The name of the table."""
        return str(self.table.name)

    @property
    def is_exported(self) -> bool:
        """Whether a section of the export follows from the declaration."""
        return self.patron is not None and not self.unshown

    def clock(self, record_id: int, anchor: datetime | None, version: int = 1) -> RecordClock:
        """Return the clock for the event of an action that made the record or moved its anchor."""
        return RecordClock(record_class=self.record_class, record_id=record_id, version=version, anchor=anchor)

    def erasure(self, record_ids: Sequence[int]) -> Erasure:
        """Return the entry of an event for records erased in its transaction."""
        return Erasure(
            record_class=self.record_class,
            record_ids=list(record_ids),
            action="redact" if self.instead else "erase",
        )

    def visible(self, cutoff: str) -> str:
        """Return the condition by which every read path hides due records; `cutoff` is the parameter, such as `$2`.

        The parameter is NULL where the agency has no policy for the class: then nothing is due.
        """
        return f"({cutoff}::timestamptz IS NULL OR ({self.anchor}) IS NULL OR ({self.anchor}) > {cutoff})"

    def holding(self) -> Holding:
        """Return the section of the export: parameters are the patron and, for a class with a clock, the cutoff."""
        seen = f" AND {self.visible('$2')}" if self.anchor else ""
        return Holding(
            self.shown_as or self.name,
            self.table,
            f"{self.patron} = $1 AND ({self.only}){seen}",
            left_out=self.left_out,
            extra=self.extra,
        )

    async def keep(self, tx: Transaction, agency: str, **values: object) -> int:
        """Insert a record made now, and record an event with its clock; return its new id.

        For records without an event of their own; an action with an event puts `clock` into it instead.
        """
        if self.kept_event is None:
            message = f"{self.record_class}: name the `kept_event` that tells the clock"
            raise TypeError(message)
        row = {self.key: new_id(), "agency": agency, **values}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        [made] = await tx.fetch(
            f"INSERT INTO {self.name} ({', '.join(row)}) VALUES ({places})"
            f" RETURNING {self.key} AS id, {self.anchor} AS anchor, {self.version} AS version",
            *row.values(),
        )
        tx.record(agency, made["id"], self.kept_event(clocks=[self.clock(*made.values())]))
        return int(made["id"])

    async def ids_of(self, tx: Transaction, patron_id: int) -> list[int]:
        """Return the ids of a patron's records of the class."""
        rows = await tx.fetch(
            f"SELECT {self.key} AS id FROM {self.name} WHERE {self.patron} = $1 AND ({self.only})",
            patron_id,
        )
        return [row["id"] for row in rows]

    async def delete(self, tx: Transaction, agency: str, ids: Sequence[int]) -> list[asyncpg.Record]:
        """Delete records (or apply `instead`) with the rows of `hangs`; return `id`, `patron`, `in_snapshot` of each that existed."""
        patron = self.patron or "NULL::bigint"
        for table, key in self.hangs:
            await tx.execute(
                f"DELETE FROM {table} WHERE {key} IN"
                f" (SELECT {self.key} FROM {self.name} WHERE {self.key} = ANY($1::bigint[]) AND agency = $2 AND ({self.only}))",
                ids,
                agency,
            )
        begin = f"UPDATE {self.name} SET {self.instead}" if self.instead else f"DELETE FROM {self.name}"
        found: list[asyncpg.Record] = await tx.fetch(
            f"{begin} WHERE {self.key} = ANY($1::bigint[]) AND agency = $2 AND ({self.only})"
            f" RETURNING {self.key} AS id, {patron} AS patron, {self.in_snapshot or 'FALSE'} AS in_snapshot",
            ids,
            agency,
        )
        return found

    async def lock(self, tx: Transaction, agency: str, ids: Sequence[int]) -> list[asyncpg.Record]:
        """Lock the records, and their parents, that no other transaction has locked; return `id`, `version`, `anchor`, `patron`."""
        free, joined = "", ""
        if self.parent is not None:
            table, key = self.parent.table, self.parent.key
            # The parents first: every change of the record takes the locks in this order.
            free = (
                f"WITH free AS MATERIALIZED (SELECT {key} FROM {table} WHERE {key} IN"
                f" (SELECT {key} FROM {self.name} WHERE {self.key} = ANY($1::bigint[])) FOR UPDATE SKIP LOCKED) "
            )
            joined = f" AND {key} IN (SELECT {key} FROM free)"
        rows: list[asyncpg.Record] = await tx.fetch(
            f"{free}SELECT {self._clock_columns()} FROM {self.name} WHERE {self.key} = ANY($1::bigint[])"
            f" AND agency = $2 AND ({self.only}){joined} FOR UPDATE OF {self.name} SKIP LOCKED",
            ids,
            agency,
        )
        return rows

    async def present(self, tx: Transaction, agency: str, ids: Sequence[int]) -> list[asyncpg.Record]:
        """Return `id`, `version`, `anchor`, `patron` of the records that exist, locked or not."""
        rows: list[asyncpg.Record] = await tx.fetch(
            f"SELECT {self._clock_columns()} FROM {self.name} WHERE {self.key} = ANY($1::bigint[]) AND agency = $2"
            f" AND ({self.only})",
            ids,
            agency,
        )
        return rows

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> list[OverdueRecord]:
        """Return records past their period by `facts` alone, oldest first."""
        rows: list[Any] = await database.fetch(
            f"SELECT {self.key} AS id, {self.version} AS version, {self.facts} AS facts FROM {self.name}"
            f" WHERE agency = $1 AND ({self.only}) AND ({self.facts}) <= $2 ORDER BY 3 LIMIT $3",
            agency,
            cutoff,
            limit,
        )
        return [OverdueRecord(record_id=row["id"], version=row["version"], anchor=row["facts"]) for row in rows]

    def _clock_columns(self) -> str:
        patron = self.patron or "NULL::bigint"
        return f"{self.key} AS id, {self.version} AS version, {self.anchor} AS anchor, {patron} AS patron"


def refusal(row: asyncpg.Record, *, locked: bool = False) -> RefusedDisposal:
    """Return why a record is kept: another transaction has locked it, something holds it, or it is not due."""
    reason = "locked" if locked else "held" if row["anchor"] is None else "not-due"
    return RefusedDisposal.model_validate(
        {"record_id": row["id"], "reason": reason, "version": row["version"], "anchor": row["anchor"]}
    )


def sorted_out(
    order: DisposalOrder, locked: Sequence[asyncpg.Record], waiting: Sequence[asyncpg.Record], due: Sequence[int]
) -> DisposalOutcome:
    """Return the outcome of an order without the erased records: refusals, and records that do not exist."""
    going = set(due)
    refused = [refusal(row) for row in locked if row["id"] not in going] + [
        refusal(row, locked=True) for row in waiting
    ]
    there = {row["id"] for row in (*locked, *waiting)}
    return DisposalOutcome(refused=refused, gone=[id_ for id_ in order.record_ids if id_ not in there])
