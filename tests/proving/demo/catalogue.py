"""The shipped catalogue of real Danish works, and the items that a library buys of them."""

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from tests.proving.demo.houses import Library
from tests.proving.demo.plan import copies
from tests.proving.demo.suite_client import Login, SuiteClient

SHIPPED = Path(__file__).resolve().parent / "catalogue.jsonl.gz"
PRICES = {"book": 25_000, "movie": 20_000, "game": 40_000, "audiobook": 18_000}


@dataclass(frozen=True, slots=True)
class Work:
    """A work of the catalogue."""

    record_id: str
    title: str
    creator: str
    type: str
    language: str
    popularity_rank: int


@cache
def shipped_works() -> tuple[Work, ...]:
    """Return the works, the most popular first."""
    with gzip.open(SHIPPED, "rb") as lines:
        rows = [orjson.loads(line) for line in lines]
    works = (
        Work(
            row["record_id"],
            row["title"],
            row.get("creator") or "",
            row["type"],
            row.get("language") or "",
            row["popularity_rank"],
        )
        for row in rows
    )
    return tuple(sorted(works, key=lambda work: work.popularity_rank))


@dataclass(frozen=True, slots=True)
class Item:
    """A copy of a work in one branch."""

    barcode: str
    work_id: str
    branch: str
    price: int


def buy(library: Library, works: Sequence[Work], seed: int) -> list[Item]:
    """Return a library's items: more copies of what many want."""
    chance = random.Random(f"{seed}/items/{library.isil}")
    branches = list(library.house.branches)
    return [
        Item(
            barcode=f"{library.isil[3:]}{place:05}{copy:02}",
            work_id=work.record_id,
            branch=chance.choice(branches),
            price=PRICES.get(work.type, 15_000),
        )
        for place, work in enumerate(works)
        for copy in range(copies(place, library.share))
    ]


async def import_catalogue(
    api: SuiteClient, administrator: Login, works: Sequence[Work], items: Sequence[Item]
) -> None:
    """Import works and items at the administrator's library; raises UnexpectedError when a line is refused."""
    await api.must(administrator, "PUT", "/loan-api/works", content=_lines([_work_line(work) for work in works]))
    lines = [
        {"barcode": item.barcode, "record_id": item.work_id, "branch": item.branch, "price": item.price}
        for item in items
    ]
    await api.must(administrator, "PUT", "/loan-api/items", content=_lines(lines))


def _work_line(work: Work) -> dict[str, object]:
    return {
        "record_id": work.record_id,
        "title": work.title,
        "creator": work.creator,
        "type": work.type,
        "language": work.language,
        "popularity_rank": work.popularity_rank,
    }


def _lines(rows: Sequence[dict[str, object]]) -> bytes:
    return b"\n".join(orjson.dumps(row) for row in rows)
