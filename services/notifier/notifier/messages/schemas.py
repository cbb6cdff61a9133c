"""What the overview of messages looks like."""

from datetime import datetime

from pydantic import BaseModel, Field


class MessageLine(BaseModel):
    """One message. `subject` and `body` are null once they are gone, and where nothing was sent (R58, R59)."""

    message_id: int
    kind: str
    channel: str | None = Field(description="email or sms; null until it is known.")
    state: str = Field(description="queued, sending, sent, failed or suppressed.")
    language: str | None
    reason: str | None = Field(description="A code: why it was not sent.")
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    subject: str | None
    body: str | None
