"""What crosses the wire about a patron."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patron_api.absence.schemas import AbsenceBody
from patron_api.cards.rules import Kind
from patron_api.cards.schemas import NewCard
from patron_api.cautions import Warned
from patron_api.contacts.schemas import AddressBody, Email, Phone
from patron_api.guardians.schemas import GuardianBody, GuardianView
from patron_api.permissions.schemas import PermissionsChange, PermissionsView
from patron_api.text import Digits4, Line, Raw

ForbidExtra = ConfigDict(extra="forbid")


class Registration(BaseModel):
    """A new patron as the desk registers one. Without `cards` the health card is the card, without `language` the agency's."""

    model_config = ForbidExtra

    cpr: Raw
    name: Line
    address: AddressBody
    co_address: AddressBody | None = None
    protected: bool = False
    municipality: Digits4
    patron_group: Line
    home_branch: Line
    language: Line | None = None
    pin: SecretStr
    phones: list[Phone] = Field(default_factory=list, max_length=10)
    emails: list[Email] = Field(default_factory=list, max_length=10)
    permissions: PermissionsChange = PermissionsChange()
    cards: list[NewCard] = Field(default_factory=lambda: [NewCard(kind="health")], min_length=1, max_length=5)
    guardian: GuardianBody | None = None


class PatronChange(BaseModel):
    """What a PATCH may change, by whom the row of the checklist says. The last six are never changed here."""

    model_config = ForbidExtra

    home_branch: Line | None = None
    language: Line | None = None
    patron_group: Line | None = None
    municipality: Digits4 | None = None
    co_address: AddressBody | None = None
    name: object = None
    cpr: object = None
    birth_date: object = None
    address: object = None
    protected: object = None
    patron_id: object = None


class CprUpdate(BaseModel):
    """What the CPR register says now. `automatic`: it comes from the register's feed and not because staff asked."""

    model_config = ForbidExtra

    automatic: bool = False
    name: Line | None = None
    address: AddressBody | None = None
    municipality: Digits4 | None = None
    protected: bool | None = None
    cpr: Raw | None = None


class PinChange(BaseModel):
    """A new PIN; the patron also gives the present one."""

    model_config = ForbidExtra

    pin: SecretStr
    current_pin: SecretStr | None = None


class BlockView(BaseModel):
    """A block; lifted ones are shown until they are due."""

    code: str
    reason: str | None
    since: datetime
    lifted_at: datetime | None


class CardView(BaseModel):
    """A card; a health card shows no number."""

    card_id: int
    kind: Kind
    number: str | None


class NoteView(BaseModel):
    """A note and when it will go."""

    text: str
    written_at: datetime
    expires_at: datetime


class PatronView(BaseModel):
    """A patron, as far as the bearer may see; what is hidden or not there is null."""

    patron_id: int
    agency: str
    cpr: str | None
    name: str | None
    protected: bool
    birth_date: date
    address: AddressBody | None
    co_address: AddressBody | None
    municipality: str
    resident: bool
    patron_group: str
    home_branch: str
    language: str
    registered_at: datetime
    phones: list[Phone]
    emails: list[Email]
    permissions: PermissionsView
    absence: AbsenceBody | None
    blocks: list[BlockView]
    cards: list[CardView]
    patron_note: NoteView | None
    internal_note: NoteView | None
    guardian: GuardianView | None
    warnings: list[Warned] = Field(default_factory=list)


class Search(BaseModel):
    """Find by a card or CPR number, or by the beginning of the name."""

    model_config = ForbidExtra

    card: SecretStr | None = None
    name: Annotated[Line | None, Field(min_length=2)] = None
    limit: int = Field(default=20, ge=1, le=100)


class Found(BaseModel):
    """A line of a search."""

    patron_id: int
    name: str | None
    birth_date: date
    protected: bool
