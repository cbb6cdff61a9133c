"""The rules of lending: values and a time in, a value out."""

from datetime import datetime


def is_due(anchor: datetime | None, cutoff: datetime | None) -> bool:
    """Say whether a loan is past its period: then it is treated as gone, erased or not (H11, H12, R34)."""
    return anchor is not None and cutoff is not None and anchor <= cutoff
