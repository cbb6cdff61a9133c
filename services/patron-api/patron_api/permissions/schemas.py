"""What crosses the wire about permissions."""

from pydantic import BaseModel, ConfigDict


class PermissionsChange(BaseModel):
    """May notices be sent by SMS, by e-mail? What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    sms: bool | None = None
    email: bool | None = None


class PermissionsView(BaseModel):
    """What is permitted now."""

    sms: bool
    email: bool
