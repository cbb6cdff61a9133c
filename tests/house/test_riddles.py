"""The list of riddles finds what it names, passes good English, and is part of `make lint`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.riddles import read_riddles, riddles_of
from tests.house.tree import ROOT

RIDDLES = read_riddles()
CODE = Path("shared/planted.py")


def found_in(text: str, path: Path = CODE) -> list[str]:
    return riddles_of(path, text, RIDDLES)


@pytest.mark.parametrize(
    "sentence",
    [
        "It sees the requests that a service gets, the first of them first.",
        "What was ordered away may be gone: it is in hand until the owner has said so.",
        "Of what it spoke of nothing is known.",
        "The worker hears of it by an event.",
        "It goes of its own accord.",
        "The patron is told.",
        "We send it again, for it may be lost.",
        "A borrower who is no more.",
    ],
)
def test_a_planted_riddle_is_found(sentence: str):
    assert found_in(f'"""{sentence}"""\n')
    assert found_in(f"# {sentence}\n")
    assert found_in(sentence, Path("docs/planted.md"))


@pytest.mark.parametrize(
    "sentence",
    [
        "The event reports the return.",
        "A patron is told apart from a guardian by the CPR number.",
        "Rows that this worker has leased; they are not older, no more than ten.",
        "Wait until the handler has finished, for each partition.",
        "A handler that was asked to stop ends at once.",
    ],
)
def test_good_english_passes(sentence: str):
    assert not found_in(f'"""{sentence}"""\n')


@pytest.mark.parametrize(
    "code",
    [
        "def again():\n    pass\n",
        "class Told:\n    pass\n",
        "def send(told):\n    pass\n",
        "for told in events:\n    pass\n",
        "log.info('worker_told')\n",
    ],
)
def test_a_planted_name_is_found(code: str):
    [riddle] = found_in(code)
    assert "write: " in riddle


def test_a_module_is_a_name_too():
    assert found_in("", Path("services/loan-api/loan_api/quick.py"))
    assert not found_in("def send_again():\n    retold = 1\n", Path("services/loan-api/loan_api/untold.py"))


def test_lint_runs_it():
    assert "-m tests.house.riddles" in (ROOT / "Makefile").read_text(encoding="utf-8")
