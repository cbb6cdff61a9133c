"""Declares columns: whether a column is personal, for which purpose, and with which record class it is erased.

A house test fails for a column that is neither `personal` nor `plain`.
"""

from typing import Any

from sqlalchemy import DateTime
from sqlmodel import Field

TIMESTAMP = DateTime(timezone=True)


def personal(purpose: str, record_class: str, **options: Any) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    """Declare a column about a person: its purpose (R114) and the record class whose erasure removes it."""
    return _field({"personal": True, "purpose": purpose, "record_class": record_class}, options)


def plain(**options: Any) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    """Declare a column without personal data."""
    return _field({"personal": False}, options)


def _field(info: dict[str, object], options: dict[str, Any]) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    kwargs = dict(options.pop("sa_column_kwargs", {}), info=info)
    if options.get("primary_key"):
        kwargs.setdefault("autoincrement", False)
    return Field(sa_column_kwargs=kwargs, **options)
