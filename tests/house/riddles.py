"""Finds phrases and names of `riddles.toml`: `python -m tests.house.riddles`, part of `make lint`."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.house.tree import texts

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
COMMENTED = (".toml", ".yml", ".yaml", ".sh")


@dataclass(frozen=True)
class Riddles:
    """The list: which paths are checked, which names and phrases are refused, and what to write instead."""

    checked: tuple[str, ...]
    names: dict[str, str]
    phrases: tuple[tuple[re.Pattern[str], str], ...]


def read_riddles() -> Riddles:
    content = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    phrases = ((re.compile(each["find"], re.IGNORECASE), each["instead"]) for each in content["phrases"])
    return Riddles(tuple(content["checked"]), content["names"], tuple(phrases))


def riddles_of(path: Path, text: str, riddles: Riddles) -> list[str]:
    """Say which riddles a file holds, each with its line and what to write instead."""
    found = [
        f"{path}:{line}: “{match.group().strip()}”; write: {instead}"
        for line, words in prose_of(path, text)
        for phrase, instead in riddles.phrases
        for match in phrase.finditer(re.sub(r"\s+", " ", words))
    ]
    found += [
        f"{path}:{line}: the name `{name}`; write: {riddles.names[word]}"
        for line, name in names_of(path, text)
        for word in {name, *name.split(".")} & riddles.names.keys()
    ]
    return found


def prose_of(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """The paragraphs of a document, and the comments and docstrings of code, each with its first line."""
    if path.suffix == ".md":
        line = 1
        for paragraph in text.split("\n\n"):
            yield line, re.sub(r"`[^`]*`", "`…`", paragraph)
            line += paragraph.count("\n") + 2
    elif path.suffix == ".py":
        yield from _prose_of_python(text)
    elif path.suffix in COMMENTED or path.name in {"Makefile", "Dockerfile"}:
        for number, written in enumerate(text.splitlines(), 1):
            yield number, written.partition("#")[2]


def _prose_of_python(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            docstring := ast.get_docstring(node, clean=False)
        ):
            yield node.body[0].lineno, docstring


def names_of(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """The names that a module gives: its own, and those of functions, classes, parameters, variables and log events."""
    if path.suffix != ".py":
        return
    yield 1, path.stem
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name.strip("_").lower()
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg.strip("_")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id.strip("_").lower()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_LEVELS:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value.replace("_", ".")


def all_riddles() -> list[str]:
    riddles = read_riddles()
    return [
        riddle
        for path, text in texts()
        if any(path.is_relative_to(checked) for checked in riddles.checked)
        and path.name != "riddles.toml"
        and "versions" not in path.parts  # a migration that has been on main is not changed any more
        for riddle in riddles_of(path, text, riddles)
    ]


def main() -> None:
    found = all_riddles()
    for riddle in found:
        print(riddle)
    if found:
        sys.exit(f"{len(found)} riddles; the list is tests/house/riddles.toml")


if __name__ == "__main__":
    main()
