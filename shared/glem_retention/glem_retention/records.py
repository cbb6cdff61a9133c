"""Combines the declarations of one service; the service does not start when one is missing.

From the declarations follow the disposals and the audit, the replay after a restore, the list of "erase me" and the export.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import ModuleType

from sqlalchemy import MetaData

from glem.database import Database, Transaction
from glem.slices import modules_of
from glem_contracts.disposals import DisposalOrder, DisposalOutcome, OverdueRecord
from glem_contracts.holdings import DataSection
from glem_contracts.record_classes import RECORD_CLASSES, Way
from glem_retention.agencies import Agencies
from glem_retention.declarations import Declared, sorted_out
from glem_retention.disposals import Disposer
from glem_retention.holdings import Reader
from glem_retention.restore import Forget

HOW = "see docs/adding-a-record-class.md"
PatronsChanged = Callable[[Transaction, str, Sequence[int]], Awaitable[None]]


class DeclarationError(Exception):
    """The declarations of a service and the list of record classes disagree; the text names each gap and what to do."""


@dataclass(frozen=True, kw_only=True)
class OwnDisposal:
    """A record class whose disposer and replay are written by hand, because its erasure differs from the declared ones.

    `tables` are those whose rows are erased with it. It passes the same conformance suite as every declared class.
    """

    record_class: str
    tables: Sequence[str]
    disposer: Disposer | None
    replay: Forget


@dataclass(frozen=True, kw_only=True)
class Records:
    """The record classes of service `owner`.

    `with_patron` are tables whose rows are deleted in the transaction that ends a patron here. `followed` are classes of other services, with
    what is done here when the register names one of their records. `patrons_changed` records new snapshots of patrons.
    """

    owner: str
    metadata: MetaData
    declared: Sequence[Declared]
    own: Sequence[OwnDisposal] = ()
    with_patron: Sequence[str] = ()
    followed: Mapping[str, Forget] = field(default_factory=dict)
    patrons_changed: PatronsChanged | None = None

    def __post_init__(self) -> None:
        """Raise DeclarationError when anything is missing, so that a service that cannot erase a class does not start."""
        if found := [*self._about_classes(), *self._about_tables()]:
            raise DeclarationError("\n".join(f"{self.owner}: {text} ({HOW})" for text in sorted(found)))

    def disposers(self) -> dict[str, Disposer]:
        """Return the disposer of each class with a clock."""
        by_declaration: dict[str, Disposer] = {
            item.record_class: DeclaredDisposer(item, self.patrons_changed) for item in self.declared if item.anchor
        }
        return by_declaration | {item.record_class: item.disposer for item in self.own if item.disposer is not None}

    def replays(self) -> dict[str, Forget]:
        """Return, by record class, the function that erases registered records again."""
        by_class = {item.record_class: partial(self._erase_again, item.record_class) for item in self.declared}
        return {**by_class, **{item.record_class: item.replay for item in self.own}, **self.followed}

    async def _erase_again(self, record_class: str, tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
        done, changed = 0, set[int]()
        for item in (each for each in self.declared if each.record_class == record_class):
            gone = await item.delete(tx, agency, ids)
            if gone:
                tx.record(agency, gone[0]["id"], item.erased_event(erased=[item.erasure([row["id"] for row in gone])]))
            changed |= {row["patron"] for row in gone if row["in_snapshot"]}
            done += len(gone)
        if changed and self.patrons_changed is not None:
            await self.patrons_changed(tx, agency, sorted(changed))
        return done

    def _about_classes(self) -> list[str]:
        here = {item.record_class for item in self.declared} | {item.record_class for item in self.own}
        listed = {name for name, record_class in RECORD_CLASSES.items() if record_class.owner == self.owner}
        with_clock = [item.record_class for item in self.declared if item.anchor]
        with_clock += [item.record_class for item in self.own if item.disposer is not None]
        return [
            *(
                f"record class {name} has a clock in two declarations, and one order erases from one only; list two classes"
                for name in sorted({name for name in with_clock if with_clock.count(name) > 1})
            ),
            *(f"record class {name} is listed and not declared; declare it beside its table" for name in listed - here),
            *(f"record class {name} is declared and not listed as {self.owner}'s; list it" for name in here - listed),
            *(text for item in self.declared if item.record_class in listed for text in _about_declaration(item)),
            *(
                f"record class {item.record_class} goes {RECORD_CLASSES[item.record_class].way}: "
                + ("give it a disposer" if item.disposer is None else "it takes no disposer")
                for item in self.own
                if item.record_class in listed
                and (RECORD_CLASSES[item.record_class].way is Way.CLOCK) != (item.disposer is not None)
            ),
        ]

    def _about_tables(self) -> list[str]:
        known = {item.name for item in self.declared} | set(self.with_patron)
        known |= {table for item in self.declared for table, _ in item.hangs}
        known |= {table for item in self.own for table in item.tables}
        return [
            f"table {table.name} holds personal data and no declaration names it"
            for table in self.metadata.sorted_tables
            if table.name not in known and any(column.info.get("personal") for column in table.columns)
        ]


def _about_declaration(item: Declared) -> list[str]:
    found = []
    way = RECORD_CLASSES[item.record_class].way
    if (way is Way.CLOCK) != bool(item.anchor and item.facts):
        found.append(f"{item.name}: {item.record_class} goes {way}: declare anchor and facts, or neither")
    if item.patron is not None and item.shown_as is None and not item.unshown:
        found.append(f"{item.name}: name its section of the export (`shown_as`), or say why not (`unshown`)")
    return found


def declared_in(package: ModuleType) -> tuple[Declared, ...]:
    """Import the `tables` of every slice of a service, and return what they declare."""
    modules = modules_of(package, "tables")
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Declared))


async def of_patron(declared: Sequence[Declared], tx: Transaction, patron_id: int) -> dict[str, list[int]]:
    """Return the ids of all declared records of a patron, by record class, for "erase me" (R32)."""
    found: dict[str, list[int]] = {}
    for item in declared:
        if item.patron is not None and (ids := await item.ids_of(tx, patron_id)):
            found.setdefault(item.record_class, []).extend(ids)
    return found


async def export(
    declared: Sequence[Declared], reader: Reader, agencies: Agencies, agency: str, patron_id: int, now: datetime
) -> list[DataSection]:
    """Return the sections of a patron's export that follow from declarations; what is due is not in them (R106)."""
    sections: list[DataSection] = []
    for item in declared:
        if item.is_exported:
            cutoff = (agencies.cutoff(agency, item.record_class, now),) if item.anchor else ()
            sections.append(await item.holding().read(reader, patron_id, *cutoff))
    return sections


@dataclass(frozen=True)
class DeclaredDisposer:
    """The disposal of a declared class: checks once more under row locks, then erases in bulk."""

    declared: Declared
    patrons_changed: PatronsChanged | None

    async def dispose(self, tx: Transaction, order: DisposalOrder, cutoff: datetime) -> DisposalOutcome:
        """Erase due records. A record that another transaction has locked is refused, and ordered again by the next sweep."""
        locked = await self.declared.lock(tx, order.agency, order.record_ids)
        seen = {row["id"] for row in locked}
        others = [record_id for record_id in order.record_ids if record_id not in seen]
        waiting = await self.declared.present(tx, order.agency, others) if others else []
        due = [row for row in locked if row["anchor"] is not None and row["anchor"] <= cutoff]
        outcome = sorted_out(order, locked, waiting, [row["id"] for row in due])
        if due:
            deleted = await self.declared.delete(tx, order.agency, [row["id"] for row in due])
            gone = [row["id"] for row in deleted]
            if self.declared.instead:
                outcome.redacted = gone
            else:
                outcome.erased = gone
            event = self.declared.erased_event(erased=[self.declared.erasure(gone)])
            tx.record(order.agency, order.disposal_id, event)
            changed = sorted({row["patron"] for row in deleted if row["in_snapshot"]})
            if changed and self.patrons_changed is not None:
                await self.patrons_changed(tx, order.agency, changed)
        return outcome

    async def overdue(self, database: Database, agency: str, cutoff: datetime, limit: int) -> Sequence[OverdueRecord]:
        """Return records past their period, by their facts, oldest first."""
        return await self.declared.overdue(database, agency, cutoff, limit)
