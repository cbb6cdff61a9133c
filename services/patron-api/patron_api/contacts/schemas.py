"""What crosses the wire about contact data. Values are checked by the rules, which refuse each by its own name."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from patron_api.contacts.store import PostalAddress
from patron_api.text import Line, Raw


class Phone(BaseModel):
    """A phone number; `receives` marks the one mobile that gets messages."""

    number: Raw
    kind: Literal["mobile", "landline"] = "mobile"
    receives: bool = False


class Email(BaseModel):
    """An e-mail address; `receives` marks the one that gets messages."""

    address: Raw
    receives: bool = False


class ContactsChange(BaseModel):
    """All phones, all e-mail addresses, or both; a list that is left out stays as it is, an empty one deletes."""

    model_config = ConfigDict(extra="forbid")

    phones: list[Phone] | None = Field(default=None, max_length=10)
    emails: list[Email] | None = Field(default=None, max_length=10)


class ContactsView(BaseModel):
    """The present phones and e-mail addresses."""

    phones: list[Phone]
    emails: list[Email]


class AddressBody(BaseModel):
    """A postal address; `co_name` belongs to a c/o address."""

    street: Line
    postal_code: Line
    city: Line
    country: Line = "DK"
    co_name: Line | None = None

    def to_address(self) -> PostalAddress:
        """Return the value that is stored."""
        return PostalAddress(self.street, self.postal_code, self.city, self.country, self.co_name)
