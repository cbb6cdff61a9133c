"""Contacts: how patrons may be reached, asked at the moment when a message is sent.

notifier calls, patron-api answers. An answer holds names and addresses: the caller uses it for this message and keeps nothing of it.
"""

from pydantic import BaseModel, Field, TypeAdapter

from glem_contracts.calls import Call
from glem_contracts.ids import RecordId

LARGEST_QUESTION = 500
"""Patrons in one question."""


class ContactsWanted(BaseModel):
    """Up to 500 patrons."""

    patron_ids: list[RecordId] = Field(max_length=LARGEST_QUESTION)


class ReachablePatron(BaseModel):
    """How to reach a patron now; null where there is nothing, or no permission, or protection (R9, R11, R12)."""

    patron_id: int
    agency: str
    language: str
    name: str | None
    protected: bool
    email: str | None
    sms: str | None
    patron_note: str | None
    deceased: bool


RESOLVE_CONTACTS = Call(
    "POST", "/contacts/resolve", ("patron-api",), TypeAdapter(list[ReachablePatron]), asked=ContactsWanted
)
"""Return how to reach each of the patrons; those who are unknown are left out."""
