"""What crosses the wire about cards."""

from pydantic import BaseModel, ConfigDict, SecretStr

from glem_contracts.ids import RecordId
from patron_api.cards.rules import Kind
from patron_api.text import Raw


class NewCard(BaseModel):
    """A card: a health card (no number: it is the CPR number), a library card or a child card."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    number: Raw | None = None


class CardMade(BaseModel):
    """The id by which a card is taken away again."""

    card_id: RecordId


class Identify(BaseModel):
    """A card as a machine read it, and the PIN where the machine asks for it."""

    card: SecretStr
    pin: SecretStr | None = None


class Identified(BaseModel):
    """Who stands at the machine."""

    patron_id: RecordId
    language: str
