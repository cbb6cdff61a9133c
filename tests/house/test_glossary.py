"""Every concept in the name of a public class stands in the glossary."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import takewhile

from glem_contracts.record_classes import RECORD_CLASSES
from tests.house.tree import ROOT, files

CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")
# Plain English, or a word of programming that needs no explanation. A concept of libraries or of Glem belongs in the glossary.
COMMON = """
address against amount answer apache app as asked attempts auth away bad base birth birthdate birthday broken
change changed connection cpr current data date day desk details docker done email entered error facts failed
fault field file finished force forged found given handled hasher hit identified identify import impossible job
kafka keeping kind known label later limit line list local look looker made mail matter move moved name new
obstacles open opened outcome page phone placement postal postgres process program publisher query reach
reader received refresh refreshable rejected reminding rendering report request resolved row rules saved search
sender sent server settings short shown sms soon start state status strict subject system text title topic total
travel travelling type update use value version view wanted warned watch window withheld written
"""
LONGEST_ENDING = 3
SHARED_BEGINNING = 4


def related(word: str, other: str) -> bool:
    """Whether two words are forms of one: agencies and agency, disposer and disposal, registered and registration."""
    if word in {other, f"{other}s"} or other == f"{word}s":
        return True
    beginning = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    return beginning >= max(SHARED_BEGINNING, min(len(word), len(other)) - LONGEST_ENDING)


def public_classes() -> dict[str, str]:
    """Every public class of services and shared packages, and its file."""
    found = {}
    for file in files():
        path = file.relative_to(ROOT)
        if file.suffix == ".py" and path.parts[0] in {"services", "shared"} and "migrations" not in path.parts:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name] = path.as_posix()
    return found


@cache
def explained() -> set[str]:
    """The words of the glossary's first column, the forms in italics, and the names of the listed record classes."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    parts = [*re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE), *re.findall(r"\*([^*\n]+)\*", text)]
    return {word for part in (*parts, *RECORD_CLASSES) for word in re.findall(r"[a-z]+", part.lower())}


def unexplained(name: str) -> list[str]:
    known = explained() | set(COMMON.split())
    words = [word.lower() for word in CAMEL.findall(name)]
    return [word for word in words if not any(related(word, other) for other in known)]


def test_every_concept_of_a_class_name_is_in_the_glossary():
    missing = [
        f"{path}: {name}: {', '.join(words)}"
        for name, path in sorted(public_classes().items())
        if (words := unexplained(name))
    ]
    assert not missing, "add to docs/glossary.md, or use a word that is there:\n" + "\n".join(missing)


def test_a_planted_concept_is_found():
    assert unexplained("UmbrellaDisposer") == ["umbrella"]
    assert unexplained("LoanDisposer") == []
