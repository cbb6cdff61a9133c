"""Events of notifier about messages."""

from pydantic import Field

from glem_contracts.events.envelope import EventData
from glem_contracts.events.topics import MESSAGES


class MessageSent(EventData):
    """A message was handed over to the mail server or SMS gateway."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str


class MessageFailed(EventData):
    """A message could not be sent."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str
    reason: str


class MessageSuppressed(EventData):
    """A message was not sent, on purpose: it was not permitted, or no longer true."""

    topic = MESSAGES

    patron_id: int
    kind: str
    channel: str = Field(description="email, sms, or none where no channel was permitted.")
    reason: str


class MessageBodyErased(EventData):
    """Bodies of messages were erased; their overview stays (R58, R59)."""

    topic = MESSAGES
