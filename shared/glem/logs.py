"""Structured logs (JSON lines) with the trace id, redacting whatever looks like a CPR number, an address or a secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from glem.tracing import trace_id

CPR = re.compile(r"(?<!\d)(?:[0-3]\d|[6-9]\d)(?:0[1-9]|1[0-2])\d{2}-?\d{4}(?!\d)")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
SECRET_KEYS = frozenset(
    {
        "cpr",
        "name",
        "pin",
        "password",
        "token",
        "authorization",
        "phone",
        "email",
        "address",
        "title",
        "body",
        "secret",
        "card",
    }
)
HIDDEN = "[hidden]"


def scrub(text: str) -> str:
    """Return `text` with CPR numbers and e-mail addresses replaced."""
    return ADDRESS.sub(HIDDEN, CPR.sub(HIDDEN, text))


def configure_logs(level: str = "INFO") -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpcore", "aiokafka", "uvicorn.access", "sqlalchemy", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _add_trace(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace := trace_id():
        event["trace_id"] = trace
    return event


def _redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = HIDDEN
        elif isinstance(value, str) and key != "trace_id":
            event[key] = scrub(value)
    return event
