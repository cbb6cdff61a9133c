"""What crosses the wire about log-ins."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from glem_contracts.ids import RecordId
from patron_api.identity.rules import ClientRole, StaffRole
from patron_api.text import Secret

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{1,59}$")]


class TokenAnswer(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the name of the kind of token
    expires_in: int
    refresh_token: str | None = None
    scope: str


class NewAccount(BaseModel):
    """An account of staff at the caller's agency."""

    username: Username
    secret: Secret
    role: StaffRole


class AccountMade(BaseModel):
    """The id of a new account."""

    account_id: RecordId


class NewClient(BaseModel):
    """A machine at the caller's agency; without `client_id` and `secret` they are chosen at random."""

    role: ClientRole
    client_id: Username | None = None
    secret: Secret | None = None


class ClientMade(BaseModel):
    """A new client; the secret is shown this once."""

    client_id: str
    secret: str
