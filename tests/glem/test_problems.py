"""A refusal is a document with a name and a sentence in the reader's language, and never repeats what was sent."""

from __future__ import annotations

import string

import pytest
from starlette.requests import Request

from glem import problems
from glem.problems import ProblemType, Refusal, RefusedError, language_of, problem_response, unwrap
from glem_retention import disposals


def make_request(accept_language: str | None = None) -> Request:
    headers = [] if accept_language is None else [(b"accept-language", accept_language.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        (None, "da"),
        ("", "da"),
        ("*", "da"),
        ("da", "da"),
        ("en", "en"),
        ("EN-gb", "en"),
        ("da, en;q=0.8", "da"),
        ("en, da;q=0.8", "en"),
        ("da;q=0.1, en;q=0.9", "en"),
        ("en;q=0.3, da;q=0.9", "da"),
        ("en-US,en;q=0.9,da;q=0.8", "en"),
        ("da-DK,da;q=0.9,en-US;q=0.8", "da"),
        ("de, fr;q=0.5", "da"),
        ("kl, en;q=0.5", "en"),
        ("den", "da"),
        ("en;q=high", "da"),
        ("en;q=", "en"),
    ],
)
def test_it_speaks_the_language_that_the_reader_prefers(accepted: str | None, spoken: str):
    assert language_of(make_request(accepted)) == spoken


def test_a_document_has_what_rfc_9457_asks_for():
    refusal = problems.UNKNOWN_AGENCY(agency="DK-000000")
    answer = problem_response(make_request("en"), refusal)
    assert answer.status_code == 404
    assert answer.media_type == "application/problem+json"
    assert answer.body == (
        b'{"agency":"DK-000000","type":"urn:glem:problem:unknown-agency","title":"Not Found","status":404,'
        b'"detail":"The library DK-000000 is not known."}'
    )


def test_a_parameter_does_not_hide_a_word_of_the_standard():
    kind = ProblemType("odd", 409, "Nej: {status}.", "No: {status}.")
    body = problem_response(make_request(), kind(status="blocked", left=None)).body
    assert b'"status":409' in body
    assert b'"detail":"Nej: blocked."' in body
    assert b"left" not in body


def test_unwrap_gives_the_value_or_raises_the_refusals_name_only():
    assert unwrap(5) == 5
    with pytest.raises(RefusedError) as caught:
        unwrap(problems.UNKNOWN_AGENCY(agency="DK-000000"))
    assert str(caught.value) == "unknown-agency"
    assert "000000" not in repr(caught.value)


KINDS = list(
    {kind: None for module in (problems, disposals) for kind in vars(module).values() if isinstance(kind, ProblemType)}
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_sentences_say_the_same_with_the_same_parameters(kind: ProblemType):
    danish, english = (
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (kind.danish, kind.english)
    )
    assert danish == english
    assert kind.danish != kind.english
    assert Refusal(kind, dict.fromkeys(danish, "x")).sentence("en").endswith((".", "!"))


def test_names_are_not_used_twice():
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names))
