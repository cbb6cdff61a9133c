"""Holdings: what each service holds about one person, for the export that patron-api builds (R106).

patron-api calls, loan-api and notifier answer. An answer is personal: the caller shows it to the patron and keeps nothing of it.
"""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call


class DataSection(BaseModel):
    """Rows of one kind; `fields` says of each of their personal fields what it is for (R114)."""

    name: str
    fields: dict[str, str]
    rows: list[dict[str, Any]]


READ_DATA = Call("GET", "/patrons/{patron_id}/data", ("loan-api", "notifier"), TypeAdapter(list[DataSection]))
