"""Who besides patrons may log in, the log-ins that can be refreshed, and the key that signs tokens."""

from datetime import datetime

from sqlalchemy import BigInteger, Index

from glem_contracts.events import PatronDataErased
from glem_retention.declarations import Declared
from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

STAFF = "let staff log in and know who did what (R112)"
SESSION = "keep a log-in alive until log-out (R21)"


class Account(Table, table=True):
    """A member of staff, an administrator or a data protection officer, at one agency."""

    __tablename__ = "account"
    __table_args__ = (Index("account_username", "agency", "username", unique=True),)

    account_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    username: str = personal(STAFF, "account")
    role: str = personal(STAFF, "account")
    secret_hash: str = personal(STAFF, "account")
    created_at: datetime = plain(sa_type=TIMESTAMP)
    failed_logins: int = personal(STAFF, "account", default=0)
    locked_until: datetime | None = personal(STAFF, "account", default=None, sa_type=TIMESTAMP)


class Client(Table, table=True):
    """A machine of one agency that logs in by itself: an automat or a dashboard."""

    __tablename__ = "client"

    client_id: str = plain(primary_key=True)
    agency: str = plain()
    role: str = plain()
    secret_hash: str = plain()
    created_at: datetime = plain(sa_type=TIMESTAMP)


class RefreshToken(Table, table=True):
    """A refresh token, as SHA-256 of its 256 random bits. Used once: `used_at` tells a stolen one, whose family then goes.

    Times are real, as those of access tokens; `subject` is an account's or a patron's id.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index("refresh_family", "family"),
        Index("refresh_subject", "subject"),
        Index("refresh_expiry", "expires_at"),
    )

    token_hash: bytes = personal(SESSION, "patron", primary_key=True)
    agency: str = plain()
    family: int = plain(sa_type=BigInteger)
    subject: int = personal(SESSION, "patron", sa_type=BigInteger)
    is_patron: bool = plain()
    expires_at: datetime = plain(sa_type=TIMESTAMP)
    used_at: datetime | None = plain(default=None, sa_type=TIMESTAMP)


class SigningKey(Table, table=True):
    """The private key that signs tokens, made at the first start. `agency` is "*": it signs for all."""

    __tablename__ = "signing_key"

    key_id: str = plain(primary_key=True)
    agency: str = plain(default="*")
    private_pem: str = plain()
    created_at: datetime = plain(sa_type=TIMESTAMP)


ACCOUNTS = Declared(
    record_class="account",
    model=Account,
    key="account_id",
    erased_event=PatronDataErased,
    patron=None,
)
