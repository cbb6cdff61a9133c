"""What a service says of every personal column: what for, and which record class's erasure removes it (R110, R114)."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import MetaData


class Purpose(BaseModel):
    """One purpose of a service, and the columns that serve it."""

    purpose: str
    record_class: str
    columns: list[str]


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
        """Say what each personal column is for, and what its erasure goes with; no token is needed."""
        return purposes_of(metadata)

    return router
