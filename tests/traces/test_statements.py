"""No value is written into a statement: only a bind parameter keeps it out of the server's logs and statistics (H87)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|VALUES|WHERE|TABLE|WITH)\b")
# File and expression, and why what it gives is no value. Names of constants (COLUMNS) need no entry.
DECLARED = "what a slice declares beside its table, with $1 for its values"
NO_VALUES = {
    **{
        ("shared/glem_retention/glem_retention/declarations.py", name): DECLARED
        for name in (
            *(
                "self.anchor",
                "self.facts",
                "self.instead",
                "self.key",
                "self.name",
                "self.only",
                "self.patron",
                "self.version",
            ),
            *(
                "self._clock_columns()",
                "self.in_snapshot or 'FALSE'",
                "begin",
                "free",
                "joined",
                "key",
                "patron",
                "table",
            ),
            *("', '.join(row)", "places"),
        )
    },
    ("shared/glem_retention/glem_retention/migrating.py", "rows"): "a query of the migration",
    ("shared/glem_retention/glem_retention/holdings.py", "', '.join(columns)"): "columns of the declared table",
    ("shared/glem_retention/glem_retention/holdings.py", "self.table.name"): "the declared table",
    (
        "shared/glem_retention/glem_retention/holdings.py",
        "self.condition",
    ): "a condition that a slice declares, with $1 for its values",
    ("services/loan-api/loan_api/homebound/tables.py", "name"): "a column named in this module",
    (
        "services/patron-api/patron_api/guardians/store.py",
        "BEGINS.replace('cleared_at', '$2::timestamptz')",
    ): "the declared anchor with the parameter in the place of its column",
    ("services/patron-api/patron_api/identity/store.py", "columns"): "the beginning of the statement",
    **{
        ("services/retention-worker/retention_worker/due.py", name): "a column or a parameter that a store names"
        for name in ("agency", "first", "second", "own")
    },
    ("services/retention-worker/retention_worker/holds/store.py", "which"): "a condition of this module",
}


def complaints(file: str, source: str) -> Iterator[tuple[str, str]]:
    """Give every expression that is written into a statement, with its file."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=parts) if any(_is_sql(part) for part in parts):
                given = [part.value for part in parts if isinstance(part, ast.FormattedValue)]
            case ast.BinOp() if any(_is_sql(leaf) for leaf in _leaves(node)):
                given = [leaf for leaf in _leaves(node) if not isinstance(leaf, ast.Constant | ast.JoinedStr)]
            case ast.Call(func=ast.Attribute(value=value, attr="format"), args=args) if _is_sql(value):
                given = args or [value]
            case _:
                continue
        for expression in given:
            if not _is_constant(expression):
                yield file, ast.unparse(expression)


def _is_constant(node: ast.AST) -> bool:
    """Whether this is a constant of a module, or the condition of a declaration for a parameter: `VIEWINGS.visible("$3")`."""
    match node:
        case ast.Call(func=ast.Attribute(value=declared, attr="visible"), args=[ast.Constant()]):
            return _is_constant(declared)
    return isinstance(node, ast.Name) and node.id.isupper()


def _leaves(node: ast.AST) -> list[ast.AST]:
    """What a sum, or a text with %, is made of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return [*_leaves(node.left), *_leaves(node.right)]
    return [node]


def _is_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value) is not None


def sources() -> Iterator[tuple[str, str]]:
    for folder in (*(ROOT / "shared").glob("*/*/"), *(ROOT / "services").glob("*/*/")):
        if folder.name in {"patron_api", "loan_api", "notifier", "retention_worker", "glem", "glem_retention"}:
            for file in folder.rglob("*.py"):
                if "migrations" not in file.parts:
                    yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


def test_values_are_bound_and_never_written_into_a_statement():
    found = {complaint for file, source in sources() for complaint in complaints(file, source)}
    assert not (new := found - NO_VALUES.keys()), "\n".join(map(str, sorted(new)))
    assert not (gone := NO_VALUES.keys() - found), f"no longer there: {sorted(gone)}"


@pytest.mark.parametrize(
    "source",
    [
        'f"SELECT 1 FROM patron WHERE cpr = {cpr}"',
        '"SELECT 1 FROM patron WHERE cpr = " + cpr',
        '"SELECT 1 FROM patron WHERE cpr = %s" % cpr',
        '"SELECT 1 FROM patron WHERE cpr = {}".format(cpr)',
    ],
)
def test_a_planted_value_is_found(source: str):
    assert list(complaints("x.py", source)) == [("x.py", "cpr")]


def test_a_constant_is_no_value():
    assert not list(complaints("x.py", 'f"SELECT {COLUMNS} FROM patron WHERE patron_id = $1"'))
