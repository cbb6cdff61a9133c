"""Periods as people type them: 30d, 12h, 90m, 45s."""

import re
from datetime import timedelta

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def parse_period(text: str) -> timedelta:
    """Return the period that `text` names; raises ValueError with a sentence that can be shown."""
    found = re.fullmatch(r"(\d{1,6})([dhms])", text.strip())
    if found is None:
        message = f"{text!r} is not a period. Write for example 30d, 12h, 90m or 45s."
        raise ValueError(message)
    return timedelta(**{UNITS[found[2]]: int(found[1])})
