"""What a table holds about one person, read by the field register: a new personal column is in the export by itself (R106)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Table

from glem_contracts.holdings import DataSection


class Reader(Protocol):
    """A transaction or a database."""

    @property
    def fetch(self) -> Any:  # noqa: ANN401  asyncpg's own
        """Run a query and return its rows."""


@dataclass(frozen=True)
class Holding:
    """Rows of `table` for which `condition` holds, with every personal column but those `left_out` (each with its reason).

    `extra` are further values, by name, that make a row readable: SQL over the same row.
    """

    name: str
    table: Table
    condition: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """The personal columns that are shown, each with its purpose."""
        shown = (c for c in self.table.columns if c.info.get("personal") and c.name not in self.left_out)
        return {column.name: str(column.info["purpose"]) for column in shown}

    async def read(self, reader: Reader, *values: object) -> DataSection:
        """Read the rows; `values` are the parameters of `condition`."""
        columns = [f'{self.table.name}."{name}"' for name in self.fields]
        columns += [f'{expression} AS "{name}"' for name, expression in self.extra.items()]
        rows = await reader.fetch(
            f"SELECT {', '.join(columns)} FROM {self.table.name} WHERE {self.condition}",  # noqa: S608  declared, not given
            *values,
        )
        return DataSection(name=self.name, fields=self.fields, rows=[dict(row) for row in rows])
