"""The purpose of every personal column, in English and Danish, and the record class whose erasure removes it (R110, R114)."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from sqlalchemy import MetaData

from glem_contracts.purposes import Purpose

DANISH: Mapping[str, str] = tomllib.loads((Path(__file__).parent / "purposes.toml").read_text("utf-8"))
_ROWS = re.compile(r" \((?:R\d+(?:[-, ]+R\d+)*|H\d+)\)")
_RANGE = re.compile(r"R(\d+)(?:-R(\d+))?")


def without_rows(purpose: str) -> str:
    """Return the words of a purpose without its row numbers: "log in (R21, R69)" gives "log in"."""
    return _ROWS.sub("", purpose)


def rows_of(purpose: str) -> list[str]:
    """Return the rows of the checklist that a purpose names; "R9-R11" are three. Hard cases (H…) are no rows."""
    return [
        f"R{number}"
        for found in _ROWS.findall(purpose)
        for first, last in _RANGE.findall(found)
        for number in range(int(first), int(last or first) + 1)
    ]


def in_danish(purpose: str) -> str:
    """Return a purpose in Danish, with its row numbers if it has any; one without a translation stays English."""
    words = without_rows(purpose)
    return purpose.replace(words, DANISH.get(words, words), 1)


def purposes_of(metadata: MetaData) -> list[Purpose]:
    """Return the purposes that the personal columns of `metadata` declare, in the order of the tables."""
    found: dict[tuple[str, str], list[str]] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("personal"):
                key = (column.info["purpose"], column.info["record_class"])
                found.setdefault(key, []).append(f"{table.name}.{column.name}")
    return [Purpose(purpose=key[0], record_class=key[1], columns=columns) for key, columns in found.items()]


def purposes_router(metadata: MetaData) -> APIRouter:
    """Return the public route `GET /purposes` of a service."""
    router = APIRouter(tags=["policies"])

    @router.get("/purposes")
    async def read_purposes() -> list[Purpose]:
        """Return the purpose of each personal column, and the record class with which it is erased; no token is needed."""
        return purposes_of(metadata)

    return router
