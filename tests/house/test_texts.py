"""What no file of the repository may hold, and what the README promises."""

from __future__ import annotations

import re
from datetime import date
from itertools import product

import pytest

from tests.house.tree import ROOT, texts

# Put together here, so that this file names none itself.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("central", "sonatype", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("rubygems", "org"),
        ("index", "docker", "io"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("gcr", "io"),
        ("mcr", "microsoft", "com"),
        ("public", "ecr", "aws"),
        ("conda", "anaconda", "org"),
    )
]
HOST = re.compile(r"(?<![\w.-])(?:[\w-]+\.)*(?:" + "|".join(map(re.escape, REGISTRIES)) + r")(?![\w-])", re.IGNORECASE)
TEN_DIGITS = re.compile(r"(?<![0-9A-Za-z_.+-])(\d{6})[- ]?(\d{4})(?![0-9A-Za-z_]|\.\d)")
# File and number (without its dash), and why it is no CPR number.
NO_CPR_NUMBERS: dict[tuple[str, str], str] = {}


def looks_like_cpr(digits: str) -> bool:
    """Whether ten digits begin with a date that exists; a replacement number (day + 60) does not."""
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    for century in (1800, 1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False


def cpr_numbers(text: str) -> list[str]:
    return [digits for found in TEN_DIGITS.findall(text) if looks_like_cpr(digits := "".join(found))]


def test_no_file_names_a_registry():
    found = [f"{path}: {match.group()}" for path, text in texts() for match in HOST.finditer(text)]
    assert not found, "\n".join(found)


def test_a_planted_registry_is_found():
    assert HOST.search("https://" + REGISTRIES[0] + "/simple")
    assert HOST.search("image: " + REGISTRIES[13] + "/x/y:1")
    assert HOST.search("files." + REGISTRIES[1])
    assert not HOST.search("the docker.iox of x." + "py" + "pi")


def test_h104_no_file_holds_what_looks_like_a_cpr_number():
    found = {
        (path.as_posix(), number) for path, text in texts() if path.suffix != ".lock" for number in cpr_numbers(text)
    }
    assert not (new := found - NO_CPR_NUMBERS.keys()), sorted(new)
    assert not (gone := NO_CPR_NUMBERS.keys() - found), f"no longer there: {sorted(gone)}"


@pytest.mark.parametrize(("left", "right"), [("0101", "991234"), ("2902", "001234"), ("3112", "454321")])
def test_a_planted_number_is_found(left: str, right: str):
    number = left + right
    for form, frame in product(
        (number, f"{number[:6]}-{number[6:]}", f"{number[:6]} {number[6:]}"), ("{}", "'{}'", "x={},")
    ):
        assert cpr_numbers(frame.format(form)) == [number]


@pytest.mark.parametrize("number", ["7001901234", "610199-0001", "3202991234", "3002001234"])
def test_a_replacement_number_or_no_date_is_none(number: str):
    assert cpr_numbers(number) == []


def test_the_readme_promises_what_the_makefile_does():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README yet")
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", "\n".join(code_of(readme.read_text(encoding="utf-8")))))
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named, "the README names no command"
    assert named <= targets, f"not in the Makefile: {sorted(named - targets)}"
    phony = set(re.findall(r"[a-z-]+", re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]))
    assert targets - {"help"} <= phony


def code_of(markdown: str) -> list[str]:
    """What a reader would copy: the code blocks and the code in the text."""
    blocks = re.findall(r"^```.*?^```", markdown, re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`[^`\n]+`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL))]
