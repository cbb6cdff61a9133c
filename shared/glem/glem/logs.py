"""Structured logs (JSON lines) with the trace id, with CPR numbers, e-mail addresses and secrets removed."""

import logging
import re
import resource
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog

from glem.tracing import trace_id

CPR = re.compile(r"(?<!\d)(?:[0-3]\d|[6-9]\d)(?:0[1-9]|1[0-2])\d{2}[- ]?\d{4}(?!\d)")
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
LEFT_ALONE = frozenset({"trace_id", "_record", "_from_structlog"})


def scrub(text: str) -> str:
    """Return `text` with CPR numbers and e-mail addresses replaced."""
    return ADDRESS.sub(HIDDEN, CPR.sub(HIDDEN, text))


def configure_logs(level: str = "INFO") -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines; switch off core dumps, which hold everything (H88)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.ExceptionRenderer(_frames),
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
        if key not in LEFT_ALONE:
            event[key] = _redacted(key, value)
    return event


def _redacted(key: str, value: object) -> object:
    if not SECRET_KEYS.isdisjoint(key.lower().split("_")):
        return HIDDEN
    if isinstance(value, Mapping):
        return {scrub(str(name)): _redacted(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(key, inner) for inner in value]
    if isinstance(value, BaseException):
        return type(value).__name__
    if value is None or isinstance(value, bool | int | float):
        return HIDDEN if CPR.fullmatch(str(value)) else value
    return scrub(str(value))


def _frames(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Return a traceback without the exceptions' texts: those of a database or a validator may quote personal data."""
    error: BaseException | None = exc_info[1]
    parts: list[str] = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        parts.append("\n".join([*lines, f"{type(error).__module__}.{type(error).__qualname__}"]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(reversed(parts))
