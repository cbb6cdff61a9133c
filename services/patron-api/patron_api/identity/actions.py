"""Log in, refresh, log out."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glem.clock import local_date
from glem.database import Transaction
from glem.ids import new_id
from glem.problems import UNKNOWN_AGENCY, Refusal
from patron_api.context import PatronApi
from patron_api.cpr import Cpr
from patron_api.identity import rules, store
from patron_api.identity.issuer import make_private_pem


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a log-in gives."""

    access: str
    seconds: int
    scopes: tuple[str, ...]
    refresh: str | None = None


async def log_in(api: PatronApi, agency: str, username: str, secret: str) -> Tokens | Refusal:
    """Log in a member of staff by name and password, or a patron by card or CPR number and PIN."""
    if agency not in api.rules:
        return UNKNOWN_AGENCY(agency=agency)
    credential = await _find(api, agency, username)
    checked = await check_secret(api, credential, secret)
    if isinstance(checked, Refusal):
        return checked
    async with api.database.transaction() as tx:
        return await _issue(api, tx, checked.agency, checked.subject, new_id(), is_patron=checked.role is None)


async def check_secret(api: PatronApi, credential: store.Credential | None, secret: str) -> store.Credential | Refusal:
    """Verify a secret and count failures, which lock (R69); None is refused as slowly as a wrong secret."""
    now = api.runtime.clock.now()
    if credential is not None and credential.attempts.locked_at(now):
        return rules.locked_out(credential.attempts)
    fits = await api.hasher.verify(credential.secret_hash if credential else None, secret)
    if credential is None:
        return rules.login_refused()
    own_rules = api.rules_of(credential.agency)
    async with api.database.transaction() as tx:
        before = await store.lock_attempts(tx, credential)
        if before is None:
            return rules.login_refused()
        after, refusal = rules.attempt(before, tx.now, own_rules, fits=fits)
        if after != before:
            await store.save_attempts(tx, credential, after)
        return refusal or credential


async def log_in_client(api: PatronApi, client_id: str, secret: str) -> Tokens | Refusal:
    """Log in one of the suite's services, or a client of an agency."""
    if client_id in api.settings.peers():
        expected = api.settings.service_secret.get_secret_value()
        if not hmac.compare_digest(expected.encode(), secret.encode()):
            return rules.CLIENT_REFUSED(error="invalid_client")
        return _sign(api, client_id, "service", "*")
    client = await store.client_by_id(api.database, client_id)
    if not await api.hasher.verify(client and client[2], secret) or client is None:
        return rules.CLIENT_REFUSED(error="invalid_client")
    return _sign(api, client_id, client[1], client[0])


async def refresh(api: PatronApi, token: str) -> Tokens | Refusal:
    """Exchange a refresh token for new tokens. One that comes a second time was stolen: its whole log-in ends."""
    now = _real_now()
    async with api.database.transaction() as tx:
        row = await store.lock_refresh(tx, _digest(token))
        if row is None or row.expires_at <= now:
            return rules.LOGIN_ENDED(error="invalid_grant")
        if row.used_at is not None:
            await store.end_family(tx, row.family)
            return rules.LOGIN_ENDED(error="invalid_grant")
        await store.mark_used(tx, _digest(token), now)
        return await _issue(api, tx, row.agency, row.subject, row.family, is_patron=row.is_patron)


async def log_out(api: PatronApi, token: str) -> None:
    """End the log-in that a refresh token belongs to; an unknown token changes nothing (RFC 7009)."""
    async with api.database.transaction() as tx:
        row = await store.lock_refresh(tx, _digest(token))
        if row is not None:
            await store.end_family(tx, row.family)


async def open_issuer(api: PatronApi) -> None:
    """Give the issuer its keys; the first start makes one."""
    async with api.database.transaction() as tx:
        keys = await store.keys(tx)
        if not keys:
            keys = [(secrets.token_hex(8), make_private_pem())]
            await store.insert_key(tx, *keys[0])
    api.issuer.use_keys(keys)


async def forget_expired(api: PatronApi) -> int:
    """Delete refresh tokens whose time is over."""
    return await store.delete_expired(api.database, _real_now())


async def _find(api: PatronApi, agency: str, username: str) -> store.Credential | None:
    name = username.strip()
    account = await store.account_by_name(api.database, agency, name.lower())
    return account or await find_patron(api, agency, name)


async def find_patron(api: PatronApi, agency: str, card: str) -> store.Credential | None:
    """Find a patron by a card number or CPR number as it was typed or scanned."""
    cpr = Cpr.parse(card, local_date(api.runtime.clock.now()))
    number = card.strip()
    if isinstance(cpr, Refusal) and not (number.isascii() and number.isdigit()):
        return None
    return await store.patron_by_card(api.database, agency, number if isinstance(cpr, Refusal) else cpr)


async def _issue(
    api: PatronApi, tx: Transaction, agency: str, subject: int, family: int, *, is_patron: bool
) -> Tokens | Refusal:
    role = await store.role_now(tx, subject, is_patron=is_patron)
    if role is None:
        return rules.LOGIN_ENDED(error="invalid_grant")
    wards: list[int] = []
    if is_patron:
        wards = await store.wards_of(tx, agency, subject, local_date(tx.now))
        role = "guardian" if wards else "patron"
    token = secrets.token_urlsafe(32)
    expires = _real_now() + timedelta(seconds=api.settings.refresh_seconds)
    await store.insert_refresh(tx, _digest(token), agency, family, subject, expires, is_patron=is_patron)
    return _sign(api, str(subject) if is_patron else f"staff-{subject}", role, agency, wards=wards, refresh=token)


def _sign(
    api: PatronApi, subject: str, role: str, agency: str, *, wards: list[int] | None = None, refresh: str | None = None
) -> Tokens:
    scopes = rules.SCOPES[role]
    access = api.issuer.sign(subject=subject, role=role, agency=agency, scopes=scopes, wards=wards or [])
    return Tokens(access, api.issuer.token_seconds, scopes, refresh)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _real_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
