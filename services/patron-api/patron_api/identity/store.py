"""The SQL of log-ins: credentials, refresh tokens, accounts, clients, signing keys."""

from dataclasses import dataclass
from datetime import date, datetime

from glem.database import Database, Transaction
from patron_api.cpr import Cpr
from patron_api.identity.rules import Attempts

KEY_LOCK = 0x6A776B73  # "jwks"


@dataclass(frozen=True, slots=True)
class Credential:
    """Someone who may log in with a name or card and a secret; `role` is None for a patron."""

    subject: int
    agency: str
    role: str | None
    secret_hash: str
    attempts: Attempts


@dataclass(frozen=True, slots=True)
class Refreshable:
    """A refresh token's row."""

    agency: str
    family: int
    subject: int
    is_patron: bool
    expires_at: datetime
    used_at: datetime | None


async def account_by_name(database: Database, agency: str, username: str) -> Credential | None:
    """Find a staff account."""
    row = await database.fetchrow(
        "SELECT account_id, agency, role, secret_hash, failed_logins, locked_until FROM account"
        " WHERE agency = $1 AND username = $2",
        agency,
        username,
    )
    return Credential(row[0], row[1], row[2], row[3], Attempts(row[4], row[5])) if row else None


async def patron_by_card(database: Database, agency: str, card: str | Cpr) -> Credential | None:
    """Find a patron by a card that works: the CPR number where there is a health card, else a card's number (R20)."""
    columns = "SELECT p.patron_id, p.agency, p.pin_hash, p.failed_logins, p.locked_until FROM patron p"
    if isinstance(card, Cpr):
        row = await database.fetchrow(
            columns
            + " JOIN card c ON c.patron_id = p.patron_id AND c.kind = 'health' WHERE p.agency = $1 AND p.cpr = $2",
            agency,
            card.reveal(),
        )
    else:
        row = await database.fetchrow(
            columns + " JOIN card c ON c.patron_id = p.patron_id WHERE c.agency = $1 AND c.number = $2", agency, card
        )
    return Credential(row[0], row[1], None, row[2], Attempts(row[3], row[4])) if row else None


async def patron_by_id(database: Database, patron_id: int) -> Credential | None:
    """Find a patron's credential."""
    row = await database.fetchrow(
        "SELECT patron_id, agency, pin_hash, failed_logins, locked_until FROM patron WHERE patron_id = $1", patron_id
    )
    return Credential(row[0], row[1], None, row[2], Attempts(row[3], row[4])) if row else None


async def lock_attempts(tx: Transaction, credential: Credential) -> Attempts | None:
    """Read the attempts anew under a lock; None when the bearer is gone meanwhile."""
    row = await tx.fetchrow(
        "SELECT failed_logins, locked_until FROM patron WHERE patron_id = $1 FOR UPDATE"
        if credential.role is None
        else "SELECT failed_logins, locked_until FROM account WHERE account_id = $1 FOR UPDATE",
        credential.subject,
    )
    return Attempts(row[0], row[1]) if row else None


async def save_attempts(tx: Transaction, credential: Credential, attempts: Attempts) -> None:
    """Write how far failed log-ins have come."""
    await tx.execute(
        "UPDATE patron SET failed_logins = $2, locked_until = $3 WHERE patron_id = $1"
        if credential.role is None
        else "UPDATE account SET failed_logins = $2, locked_until = $3 WHERE account_id = $1",
        credential.subject,
        attempts.failed,
        attempts.locked_until,
    )


async def save_pin(tx: Transaction, patron_id: int, pin_hash: str) -> None:
    """Replace a PIN's hash and forget failed attempts."""
    await tx.execute(
        "UPDATE patron SET pin_hash = $2, failed_logins = 0, locked_until = NULL WHERE patron_id = $1",
        patron_id,
        pin_hash,
    )


async def role_now(tx: Transaction, subject: int, *, is_patron: bool) -> str | None:
    """Return the role of a bearer who is still there, "patron" for patrons; None for one who is gone."""
    role: str | None = await tx.fetchval(
        "SELECT 'patron' FROM patron WHERE patron_id = $1"
        if is_patron
        else "SELECT role FROM account WHERE account_id = $1",
        subject,
    )
    return role


async def wards_of(tx: Transaction, agency: str, patron_id: int, today: date) -> list[int]:
    """Return the children whom a patron answers for, until their 18th birthday."""
    rows = await tx.fetch(
        "SELECT patron_id FROM guardian WHERE agency = $1 AND until_day > $3 AND as_patron_id = $2"
        " UNION SELECT g.patron_id FROM guardian g JOIN patron p ON p.agency = g.agency AND p.cpr = g.cpr"
        " WHERE p.patron_id = $2 AND g.agency = $1 AND g.until_day > $3",
        agency,
        patron_id,
        today,
    )
    return [row[0] for row in rows]


async def insert_refresh(
    tx: Transaction, token_hash: bytes, agency: str, family: int, subject: int, expires_at: datetime, *, is_patron: bool
) -> None:
    """Store a refresh token's hash."""
    await tx.execute(
        "INSERT INTO refresh_token (token_hash, agency, family, subject, expires_at, is_patron)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        token_hash,
        agency,
        family,
        subject,
        expires_at,
        is_patron,
    )


async def lock_refresh(tx: Transaction, token_hash: bytes) -> Refreshable | None:
    """Read a refresh token under a lock."""
    row = await tx.fetchrow(
        "SELECT agency, family, subject, is_patron, expires_at, used_at FROM refresh_token"
        " WHERE token_hash = $1 FOR UPDATE",
        token_hash,
    )
    return Refreshable(*row) if row else None


async def mark_used(tx: Transaction, token_hash: bytes, at: datetime) -> None:
    """Note that a refresh token was used."""
    await tx.execute("UPDATE refresh_token SET used_at = $2 WHERE token_hash = $1", token_hash, at)


async def end_family(tx: Transaction, family: int) -> None:
    """End one log-in with all its refresh tokens."""
    await tx.execute("DELETE FROM refresh_token WHERE family = $1", family)


async def end_all(tx: Transaction, subject: int) -> None:
    """End every log-in of a bearer."""
    await tx.execute("DELETE FROM refresh_token WHERE subject = $1", subject)


async def delete_expired(database: Database, now: datetime) -> int:
    """Delete refresh tokens whose time is over; return how many."""
    status = await database.execute("DELETE FROM refresh_token WHERE expires_at <= $1", now)
    return int(status.split()[-1])


async def insert_account(
    tx: Transaction, account_id: int, agency: str, username: str, role: str, secret_hash: str
) -> bool:
    """Store an account; False when the name is taken."""
    return (
        await tx.fetchval(
            "INSERT INTO account (account_id, agency, username, role, secret_hash, created_at, failed_logins)"
            " VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (agency, username) DO NOTHING RETURNING account_id",
            account_id,
            agency,
            username,
            role,
            secret_hash,
            tx.now,
        )
        is not None
    )


async def delete_account(tx: Transaction, agency: str, account_id: int) -> bool:
    """Delete an account; False when there is none at the agency."""
    found = await tx.fetchval(
        "DELETE FROM account WHERE agency = $1 AND account_id = $2 RETURNING account_id", agency, account_id
    )
    return found is not None


async def insert_client(tx: Transaction, client_id: str, agency: str, role: str, secret_hash: str) -> bool:
    """Store a client; False when the name is taken."""
    return (
        await tx.fetchval(
            "INSERT INTO client (client_id, agency, role, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (client_id) DO NOTHING RETURNING client_id",
            client_id,
            agency,
            role,
            secret_hash,
            tx.now,
        )
        is not None
    )


async def delete_client(tx: Transaction, agency: str, client_id: str) -> bool:
    """Delete a client; False when there is none at the agency."""
    found = await tx.fetchval(
        "DELETE FROM client WHERE agency = $1 AND client_id = $2 RETURNING client_id", agency, client_id
    )
    return found is not None


async def client_by_id(database: Database, client_id: str) -> tuple[str, str, str] | None:
    """Return a client's agency, role and secret hash."""
    row = await database.fetchrow("SELECT agency, role, secret_hash FROM client WHERE client_id = $1", client_id)
    return (row[0], row[1], row[2]) if row else None


async def keys(tx: Transaction) -> list[tuple[str, str]]:
    """Return the signing keys, newest first, under a lock by which only one process makes the first."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", KEY_LOCK)
    rows = await tx.fetch("SELECT key_id, private_pem FROM signing_key ORDER BY created_at DESC, key_id")
    return [(row[0], row[1]) for row in rows]


async def insert_key(tx: Transaction, key_id: str, private_pem: str) -> None:
    """Store a signing key."""
    await tx.execute(
        "INSERT INTO signing_key (key_id, agency, private_pem, created_at) VALUES ($1, '*', $2, $3)",
        key_id,
        private_pem,
        tx.now,
    )


async def language_of(database: Database, patron_id: int) -> str | None:
    """Return the language in which a patron is spoken to; None when the patron is gone."""
    language: str | None = await database.fetchval("SELECT language FROM patron WHERE patron_id = $1", patron_id)
    return language
