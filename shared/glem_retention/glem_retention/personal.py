"""What every column must say of itself: whether it is personal, what for, and which record class's erasure removes it.

The house test fails on a column that says neither `personal` nor `plain`.
"""

from typing import Any

from sqlalchemy import DateTime
from sqlmodel import Field

TIMESTAMP = DateTime(timezone=True)


def personal(purpose: str, record_class: str, **options: Any) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    """Declare a column about a person: its purpose (R114) and the record class whose erasure removes it."""
    return _field({"personal": True, "purpose": purpose, "record_class": record_class}, options)


def plain(**options: Any) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    """Declare a column that says nothing about a person."""
    return _field({"personal": False}, options)


def _field(info: dict[str, object], options: dict[str, Any]) -> Any:  # noqa: ANN401  sqlmodel.Field's own type
    kwargs = dict(options.pop("sa_column_kwargs", {}), info=info)
    if options.get("primary_key"):
        kwargs.setdefault("autoincrement", False)
    return Field(sa_column_kwargs=kwargs, **options)
