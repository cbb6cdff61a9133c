"""Purposes: what each service says of its personal columns, for the public policy page (R110, R114).

The retention worker calls, every service answers; no token is needed, since the answer is public.
"""

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call


class Purpose(BaseModel):
    """One purpose of a service, and the columns (`table.column`) that serve it."""

    purpose: str
    record_class: str
    columns: list[str]


READ_PURPOSES = Call(
    "GET",
    "/purposes",
    ("patron-api", "loan-api", "notifier", "retention-worker"),
    TypeAdapter(list[Purpose]),
    with_token=False,
)
