"""The trace of a request, carried by W3C `traceparent` through HTTP headers and events."""

import secrets
from contextvars import ContextVar

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_traceparent() -> str | None:
    """Return the present trace, or None outside a request and a delivery."""
    return _traceparent.get()


def trace_id() -> str | None:
    """Return the 32 hex digits that name the present trace."""
    value = _traceparent.get()
    return value[3:35] if value else None


def enter_trace(incoming: str | None) -> str:
    """Continue the trace named by `incoming`, or begin one when it is missing or malformed; return it."""
    value = (
        incoming
        if incoming is not None and _well_formed(incoming)
        else f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    )
    _traceparent.set(value)
    return value


def _well_formed(value: str) -> bool:
    parts = value.split("-")
    return [len(part) for part in parts] == [2, 32, 16, 2] and all(c in "0123456789abcdef-" for c in value)
