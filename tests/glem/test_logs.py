"""Nothing personal comes through the logs, by whatever door."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest
import structlog

from glem import logs
from glem.logs import HIDDEN, scrub
from glem.tracing import enter_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

# Put together, so that no file holds one.
REAL = ("0101" + "990001", "0101" + "99-0001", "3112" + "99-4000")
CPR, DASHED, SPACED = "7001901234", "700190-1234", "700190 1234"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """What was logged, read when the list is first looked at."""

    class Lines(list):
        def __iter__(self):
            return iter([json.loads(line) for line in stream.getvalue().splitlines()])

    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure_logs("INFO")
    structlog.configure(cache_logger_on_first_use=False)
    yield Lines()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


@pytest.mark.parametrize("number", [CPR, DASHED, SPACED, *REAL, "6112990001", "671299-4000"])
def test_a_cpr_number_is_hidden_wherever_it_stands(number: str):
    for text in ("{}", "patron {} unknown", "/patrons/{}/loans?cpr={}", "({})", "'{}'", "cpr={},x", "æ{}å"):
        assert number not in scrub(text.format(number, number))


@pytest.mark.parametrize("address", ["karen@example.dk", "k.a-b+c@mail.example.co.uk", "<karen@example.dk>"])
def test_an_e_mail_address_is_hidden(address: str):
    assert "@" not in scrub(f"bounced: {address}.")


@pytest.mark.parametrize(
    "text",
    ["4503599627370497", "70019012345", "2026-10-25T00:30:00Z", "DK-725900", "9999999999", "870970-basis:22995154"],
)
def test_ids_and_times_stay_readable(text: str):
    assert scrub(f"loan {text} erased") == f"loan {text} erased"


def test_a_field_is_hidden_by_its_name_or_by_its_looks(lines):
    log = structlog.get_logger("x")
    log.info(
        "patron_seen",
        cpr=CPR,
        patron_name="Karen",
        PIN=1234,
        body="Kære Karen",
        number=int(CPR),
        text=f"called {DASHED}",
        nested={"pin": "1234", "deep": [{"email": "k@example.dk", CPR: 1}], "loan_id": 7},
        pair=("k@example.dk", 5),
        loan_id=4503599627370497,
        late=True,
        nothing=None,
        error=ValueError(f"bad number {CPR}"),
    )
    [line] = lines
    assert line | {"timestamp": "", "level": ""} == {
        "event": "patron_seen",
        "timestamp": "",
        "level": "",
        "cpr": HIDDEN,
        "patron_name": HIDDEN,
        "PIN": HIDDEN,
        "body": HIDDEN,
        "number": HIDDEN,
        "text": f"called {HIDDEN}",
        "nested": {"pin": HIDDEN, "deep": [{"email": HIDDEN, HIDDEN: 1}], "loan_id": 7},
        "pair": [HIDDEN, 5],
        "loan_id": 4503599627370497,
        "late": True,
        "nothing": None,
        "error": "ValueError",
    }


def test_the_text_of_an_exception_is_not_logged_but_its_place_is(lines):
    def fail() -> None:
        try:
            raise asyncpg.UniqueViolationError("duplicate key: Key (name)=(Karen) already exists")  # noqa: TRY301
        except asyncpg.UniqueViolationError as error:
            raise ValueError("Karen wrote kage") from error

    for logger in (structlog.get_logger("x"), logging.getLogger("library")):
        try:
            fail()
        except ValueError:
            logger.exception("it_failed")
    first, second = lines
    for line in (first, second):
        assert line["event"] == "it_failed"
        assert "Karen" not in json.dumps(line)
        assert "kage" not in json.dumps(line)
        assert "asyncpg.exceptions.UniqueViolationError" in str(line["exception"])
        assert str(line["exception"]).rstrip().endswith("builtins.ValueError")
        assert "test_logs.py" in str(line["exception"])
        assert "in fail" in str(line["exception"])


def test_libraries_are_redacted_too(lines):
    logging.getLogger("library").warning("login of %s from %s failed", CPR, "k@example.dk")
    logging.getLogger("library").warning("odd %s", {"cpr": DASHED})
    first, second = lines
    assert first["event"] == f"login of {HIDDEN} from {HIDDEN} failed"
    assert DASHED not in str(second["event"])


def test_access_logs_and_clients_are_quiet(lines):
    for name in ("uvicorn.access", "httpx", "aiokafka"):
        logging.getLogger(name).info("GET /patrons?card=123456")
    assert not list(lines)


def test_a_line_carries_the_trace(lines):
    trace = enter_trace("00-" + "7001901234" * 3 + "ab-" + "1" * 16 + "-01")
    structlog.get_logger("x").info("hello")
    [line] = lines
    assert line["trace_id"] == trace[3:35] == "7001901234" * 3 + "ab"
