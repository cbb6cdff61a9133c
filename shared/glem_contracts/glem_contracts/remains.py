"""Remains: patron-api watches what the other services still hold of a patron whom it has erased, until nothing is left (R32).

patron-api calls, loan-api and notifier answer.
"""

from pydantic import BaseModel, TypeAdapter

from glem_contracts.calls import Call


class Remains(BaseModel):
    """What is left of a patron: `forgotten` says that late events change nothing more; `records` counts rows by kind."""

    forgotten: bool
    records: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Whether nothing is left, and late events bring nothing back."""
        return self.forgotten and not any(self.records.values())


READ_REMAINS = Call("GET", "/patrons/{patron_id}/remains", ("loan-api", "notifier"), TypeAdapter(Remains))
