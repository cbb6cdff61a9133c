"""Actions on accounts of staff and on clients (automats, dashboards)."""

import secrets

from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import PatronDataErased
from patron_api.context import PatronApi
from patron_api.identity import rules, store
from patron_api.identity.tables import ACCOUNTS


class BootstrapError(ValueError):
    """GLEM_BOOTSTRAP_ADMIN cannot be read; the text names the entry by its place, never its content."""


async def create_account(api: PatronApi, agency: str, username: str, role: str, secret: str) -> int | Refusal:
    """Make an account and return its id; refuses (account-exists) a name that is taken at the agency."""
    api.rules_of(agency)
    secret_hash = await api.hasher.hash(secret)
    account_id = new_id()
    async with api.database.transaction() as tx:
        made = await store.insert_account(tx, account_id, agency, username.lower(), role, secret_hash)
    return account_id if made else rules.ACCOUNT_EXISTS()


async def remove_account(api: PatronApi, agency: str, account_id: int) -> Refusal | None:
    """Delete an account and end its log-ins; its access tokens run out by themselves."""
    async with api.database.transaction() as tx:
        if not await store.delete_account(tx, agency, account_id):
            return rules.UNKNOWN_ACCOUNT()
        await store.end_all(tx, account_id)
        tx.record(agency, account_id, PatronDataErased(erased=[ACCOUNTS.erasure([account_id])]))
    return None


async def create_client(
    api: PatronApi, agency: str, client_id: str | None, role: str, secret: str | None
) -> tuple[str, str] | Refusal:
    """Make a client; return its id and secret, which is shown this once. Missing ones are chosen at random."""
    api.rules_of(agency)
    name, secret = client_id or f"{role}-{new_id()}", secret or secrets.token_urlsafe(32)
    if name in api.settings.peers():
        return rules.ACCOUNT_EXISTS()
    secret_hash = await api.hasher.hash(secret)
    async with api.database.transaction() as tx:
        made = await store.insert_client(tx, name, agency, role, secret_hash)
    return (name, secret) if made else rules.ACCOUNT_EXISTS()


async def remove_client(api: PatronApi, agency: str, client_id: str) -> Refusal | None:
    """Delete a client; its access tokens run out by themselves."""
    async with api.database.transaction() as tx:
        if not await store.delete_client(tx, agency, client_id):
            return rules.UNKNOWN_ACCOUNT()
    return None


async def bootstrap(api: PatronApi) -> None:
    """Make the administrators that the settings name and that are missing; raises BootstrapError for a malformed entry."""
    entries = api.settings.bootstrap_admin.get_secret_value()
    for place, entry in enumerate(filter(None, (part.strip() for part in entries.split(","))), start=1):
        login, _, agency = entry.rpartition("@")
        username, _, secret = login.partition(":")
        if not username or not secret or agency not in api.rules:
            message = f"GLEM_BOOTSTRAP_ADMIN, entry {place}: write user:secret@ISIL, with the ISIL of an agency's file"
            raise BootstrapError(message)
        if await store.account_by_name(api.database, agency, username.lower()) is None:
            await create_account(api, agency, username, "administrator", secret)
