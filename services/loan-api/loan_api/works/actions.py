"""Imports of works and items, line by line, and reading the catalogue. Nobody's searches are kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from glem.database import Transaction
from glem.ids import new_id
from glem.problems import Refusal
from glem_retention.runtime import Runtime
from loan_api.works import store
from loan_api.works.problems import LONGEST_LINE, UNKNOWN_ITEM, UNKNOWN_WORK
from loan_api.works.schemas import (
    ImportReport,
    ItemLine,
    ItemView,
    RejectedLine,
    WorkDetails,
    WorkLine,
    WorkView,
)

BATCH = 2000
Line = TypeVar("Line", bound=BaseModel)
Save = Callable[[Transaction, list[tuple[int, Line]]], Awaitable[tuple[store.Saved, list[RejectedLine]]]]


async def import_works(runtime: Runtime, agency: str, body: AsyncIterator[bytes]) -> ImportReport:
    """Import works from JSON Lines; the same import again changes nothing."""

    async def save(tx: Transaction, lines: list[tuple[int, WorkLine]]) -> tuple[store.Saved, list[RejectedLine]]:
        works = {work.record_id: work for _, work in lines}
        return await store.save_works(tx, agency, sorted(works.values(), key=lambda work: work.record_id)), []

    return await _import(runtime, WorkLine, body, save)


async def import_items(
    runtime: Runtime, agency: str, branches: Collection[str], body: AsyncIterator[bytes]
) -> ImportReport:
    """Import items from JSON Lines; items of unknown works or at unknown branches are rejected."""

    async def save(tx: Transaction, lines: list[tuple[int, ItemLine]]) -> tuple[store.Saved, list[RejectedLine]]:
        known = await store.known_works(tx, agency, [item.record_id for _, item in lines])
        rejected = [RejectedLine(line=n, reason="record_id: unknown") for n, i in lines if i.record_id not in known]
        rejected += [RejectedLine(line=n, reason="branch: unknown") for n, i in lines if i.branch not in branches]
        refused = {line.line for line in rejected}
        items = {item.barcode: item for number, item in lines if number not in refused}
        rows = [(new_id(), items[barcode]) for barcode in sorted(items)]
        return await store.save_items(tx, agency, rows), rejected

    return await _import(runtime, ItemLine, body, save)


async def _import(runtime: Runtime, kind: type[Line], body: AsyncIterator[bytes], save: Save[Line]) -> ImportReport:
    report = ImportReport()
    batch: list[tuple[int, Line]] = []

    async def flush() -> None:
        async with runtime.database.transaction() as tx:
            saved, rejected = await save(tx, batch)
        report.imported += saved.imported
        report.updated += saved.updated
        report.rejected += rejected
        batch.clear()

    async for number, line in _lines(body):
        try:
            batch.append((number, kind.model_validate(orjson.loads(line))))
        except orjson.JSONDecodeError:
            report.rejected.append(RejectedLine(line=number, reason="not valid JSON"))
        except ValidationError as error:
            report.rejected.append(RejectedLine(line=number, reason=_reason(error)))
        if len(batch) == BATCH:
            await flush()
    if batch:
        await flush()
    report.rejected.sort(key=lambda rejected: rejected.line)
    return report


def _reason(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, part['loc'])) or 'line'}: {part['msg']}" for part in error.errors())


async def _lines(body: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Yield the lines that are not empty, counted from 1; one that is too long is cut, and so no longer JSON."""
    number, rest = 0, b""
    async for chunk in body:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield number, line[:LONGEST_LINE]
        rest = rest[: LONGEST_LINE + 1]
    if rest.strip():
        yield number + 1, rest[:LONGEST_LINE]


async def search(runtime: Runtime, agency: str, words: str, limit: int) -> list[WorkView]:
    """Find works; the words are kept nowhere."""
    return [WorkView(**record) for record in await store.search_works(runtime.database, agency, words, limit)]


async def show_work(runtime: Runtime, agency: str, work_id: str) -> WorkDetails | Refusal:
    """Return a work with its items."""
    work = await store.find_work(runtime.database, agency, work_id)
    if work is None:
        return UNKNOWN_WORK()
    items = await store.items_of_work(runtime.database, agency, work_id)
    return WorkDetails(**work, copies=[ItemView(**item) for item in items])


async def show_item(runtime: Runtime, agency: str, barcode: str) -> ItemView | Refusal:
    """Return an item; not who has it."""
    item = await store.find_item(runtime.database, agency, barcode)
    return UNKNOWN_ITEM() if item is None else ItemView(**item)
