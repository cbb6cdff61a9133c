"""What counts as a line: docs/decisions/0004-what-counts-as-a-line.md."""

from __future__ import annotations

import ast
import io
import tokenize


def logical_lines(source: str) -> int:
    """How many logical lines a module has, as Python's own grammar counts them, without docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type == tokenize.NEWLINE for token in tokens) - _words(ast.parse(source))


def _words(module: ast.Module) -> int:
    return sum(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for node in ast.walk(module)
    )
