"""Refusals that people can read: RFC 9457 problem documents, in Danish or English.

A rule's "no" is a value, `Refusal`; actions return it, and routes turn it into an answer with `unwrap`.
Parameters of a refusal are ids, codes, dates and amounts, never a name, number or text of a patron.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from glem.logs import scrub

T = TypeVar("T")
MEDIA_TYPE = "application/problem+json"
URN = "urn:glem:problem:"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of refusal: its stable name, HTTP status, and its sentence in both languages (str.format fields allowed)."""

    name: str
    status: int
    danish: str
    english: str

    def __call__(self, **params: object) -> "Refusal":
        """Return a refusal of this kind with its parameters."""
        return Refusal(self, params)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A named "no" with its parameters."""

    problem: ProblemType
    params: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """Return the sentence in `language` ("da" or "en")."""
        text = self.problem.english if language == "en" else self.problem.danish
        return text.format(**self.params)


class RefusedError(Exception):
    """Carries a refusal out of a route; its text is the refusal's name, never its parameters."""

    def __init__(self, refusal: Refusal) -> None:
        """Carry `refusal`."""
        super().__init__(refusal.problem.name)
        self.refusal = refusal


def unwrap(result: T | Refusal) -> T:
    """Return `result`, or raise RefusedError when it is a refusal; for routes only."""
    if isinstance(result, Refusal):
        raise RefusedError(result)
    return result


def language_of(request: Request) -> str:
    """Return "en" when the caller prefers English to Danish, else "da"."""
    weights: dict[str, float] = {}
    for wanted in request.headers.get("accept-language", "").lower().split(","):
        tag, _, weight = wanted.partition(";q=")
        with suppress(ValueError):
            weights.setdefault(tag.strip().partition("-")[0], float(weight or 1))
    known = [language for language in weights if language in {"da", "en"}]
    return max(known, key=weights.__getitem__, default="da")


def problem_response(
    request: Request, refusal: Refusal, *, headers: Mapping[str, str] | None = None, errors: object = None
) -> Response:
    """Answer with the problem document of `refusal`; `errors` names the offending fields, without their values."""
    problem = refusal.problem
    document: dict[str, object] = {
        **{key: value for key, value in refusal.params.items() if value is not None},
        "type": URN + problem.name,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": refusal.sentence(language_of(request)),
    }
    if errors is not None:
        document["errors"] = errors
    return Response(orjson.dumps(document, default=str), problem.status, headers, MEDIA_TYPE)


def field_error(kind: str, place: Sequence[str | int], message: str) -> dict[str, str]:
    """Name a wrong field and the reason, without its value, which may be a CPR number, a PIN or a name."""
    if kind == "extra_forbidden":
        place = place[:-1]
    if kind == "union_tag_invalid":
        message = "Input tag is not known"
    return {"field": scrub(".".join(map(str, place))), "message": scrub(message)}


MALFORMED = ProblemType(
    "malformed",
    422,
    "Forespørgslen kan ikke forstås: et eller flere felter er forkerte.",
    "The request cannot be understood: one or more fields are wrong.",
)
NOT_JSON = ProblemType("not-json", 400, "Forespørgslen er ikke gyldig JSON.", "The request is not valid JSON.")
NOT_FOUND = ProblemType("not-found", 404, "Adressen findes ikke.", "There is nothing at this address.")
METHOD = ProblemType(
    "method-not-allowed", 405, "Adressen kan ikke bruges sådan.", "That cannot be done at this address."
)
NO_TOKEN = ProblemType("no-token", 401, "Log ind først.", "Log in first.")
BAD_TOKEN = ProblemType(
    "bad-token", 401, "Dit log-ind gælder ikke længere.", "Your log-in is not valid or has expired."
)
NO_SCOPE = ProblemType(
    "missing-scope",
    403,
    "Dit log-ind giver ikke adgang til dette ({scope}).",
    "Your log-in does not allow this ({scope}).",
)
WRONG_AGENCY = ProblemType(
    "wrong-agency",
    403,
    "Dit log-ind hører til et andet bibliotek.",
    "Your log-in belongs to another library.",
)
UNKNOWN_AGENCY = ProblemType(
    "unknown-agency",
    404,
    "Biblioteket {agency} kendes ikke.",
    "The library {agency} is not known.",
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    "Tjenesten kan ikke svare lige nu. Prøv igen om lidt.",
    "The service cannot answer now. Try again soon.",
)
INTERNAL = ProblemType(
    "internal",
    500,
    "Der skete en fejl hos os. Intet er ændret.",
    "Something failed here. Nothing was changed.",
)
