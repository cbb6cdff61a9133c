"""Read, find and change a patron."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import asyncpg

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import WRONG_AGENCY, Refusal
from glem_contracts.events import ContactChanged, PatronChanged
from glem_contracts.events.envelope import Erasure
from patron_api.access import UNKNOWN_PATRON, is_own
from patron_api.cautions import Caution
from patron_api.consents.actions import end_if_left
from patron_api.contacts import store as contact_store
from patron_api.contacts.store import PostalAddress
from patron_api.context import PatronApi
from patron_api.cpr import Cpr
from patron_api.guardians.actions import move_end
from patron_api.identity import store as identity_store
from patron_api.identity.actions import check_secret, find_patron
from patron_api.patrons import rules, store
from patron_api.patrons.changes import lock_patron, tell_lending
from patron_api.patrons.rules import Reader
from patron_api.patrons.schemas import CprUpdate, PatronChange
from patron_api.patrons.store import Cutoffs, PatronRow
from patron_api.permissions import rules as permission_rules

TOLD = ("patron_group", "age_band", "home_branch")


def reader(caller: Principal, patron_id: int) -> Reader:
    """Say what `caller` may see of a patron."""
    own = is_own(caller, patron_id)
    return Reader(
        own=own,
        protected=caller.may("patrons:protected"),
        notes=caller.may("notes:read") and not own,
        numbers=own or caller.may("patrons:write"),
        guardian=patron_id in caller.wards or caller.may("patrons:write"),
    )


async def read_patron(api: PatronApi, patron_id: int, caller: Principal) -> dict[str, Any] | Refusal:
    """Return what `caller` may see of a patron; refuses unknown-patron and wrong-agency."""
    own_rules = api.rules_of(caller.agency)
    agency, now = caller.agency, api.runtime.clock.now()
    cutoffs = Cutoffs(
        absence=api.cutoff(agency, "absence", now),
        internal_note=api.cutoff(agency, "internal-note", now),
        patron_note=api.cutoff(agency, "patron-note", now),
        lifted_block=api.cutoff(agency, "lifted-block", now),
        guardian=api.cutoff(agency, "guardian", now),
    )
    whole = await store.read_whole(api.database, patron_id, cutoffs)
    if whole is None:
        return UNKNOWN_PATRON()
    if whole["agency"] != agency:
        return WRONG_AGENCY()
    states = whole.pop("consents")
    whole["permissions"] = {
        purpose: permission_rules.permitted(states.get(purpose), own_rules) for purpose in permission_rules.PURPOSES
    }
    whole["resident"] = whole["municipality"] == api.runtime.agencies[agency].identity.municipality
    return rules.visible(whole, reader(caller, patron_id))


async def search(
    api: PatronApi, card: str | None, name: str | None, limit: int, caller: Principal
) -> list[dict[str, Any]]:
    """Find patrons of the caller's agency by card or by name; protected names only for who may see them."""
    api.rules_of(caller.agency)
    protected = caller.may("patrons:protected")
    rows: list[dict[str, Any]] = []
    if card is not None:
        found = await find_patron(api, caller.agency, card)
        row = await store.brief(api.database, found.subject) if found else None
        rows = [row] if row else []
    elif name is not None:
        rows = await store.search(api.database, caller.agency, name, limit, protected=protected)
    return [{**row, "name": None} if row["protected"] and not protected else row for row in rows]


async def change_patron(api: PatronApi, patron_id: int, change: PatronChange, caller: Principal) -> Refusal | None:
    """Change what the bearer may change; the old values are gone (R8, R16-R19)."""
    fields = change.model_fields_set
    if refusal := rules.may_change(fields, "patron" if is_own(caller, patron_id) else "staff"):
        return refusal
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        refusal = rules.fits_agency(
            api.rules_of(row.agency),
            api.runtime.agencies[row.agency].identity.branches,
            group=change.patron_group,
            branch=change.home_branch,
            language=change.language,
        )
        if refusal:
            return refusal
        changed = replace(
            row,
            home_branch=change.home_branch or row.home_branch,
            language=change.language or row.language,
            patron_group=change.patron_group or row.patron_group,
            municipality=change.municipality or row.municipality,
        )
        await _save(api, tx, row, changed)
        await end_if_left(api, tx, row.agency, patron_id, changed.patron_group)
        if "co_address" in fields:
            address = change.co_address.to_address() if change.co_address else None
            await _replace_address(tx, row, "co", address)
    return None


async def follow_register(
    api: PatronApi, patron_id: int, update: CprUpdate, caller: Principal
) -> list[Caution] | Refusal:
    """Write what the CPR register says: name, address, municipality, protection, number; the old values go (R4, R18, R25, H43)."""
    fields = {name for name in update.model_fields_set if getattr(update, name) is not None}
    cpr = Cpr.parse(update.cpr, local_date(api.runtime.clock.now())) if update.cpr is not None else None
    if isinstance(cpr, Refusal):
        return cpr
    try:
        async with api.database.transaction() as tx:
            return await _follow_register(api, tx, patron_id, update, cpr, fields, caller)
    except asyncpg.UniqueViolationError:
        return rules.ALREADY_REGISTERED()


async def _follow_register(
    api: PatronApi,
    tx: Transaction,
    patron_id: int,
    update: CprUpdate,
    cpr: Cpr | None,
    fields: Collection[str],
    caller: Principal,
) -> list[Caution] | Refusal:
    row = await lock_patron(tx, patron_id, caller)
    if isinstance(row, Refusal):
        return row
    own_rules = api.rules_of(row.agency)
    if refusal := rules.may_follow_register(fields, own_rules, automatic=update.automatic):
        return refusal
    number = cpr or row.cpr
    changed = replace(
        row,
        name=update.name or row.name,
        municipality=update.municipality or row.municipality,
        protected=row.protected if update.protected is None else update.protected,
        cpr=number,
        age_band=rules.age_band(number.birth_date, own_rules.age_bands, local_date(tx.now)),
    )
    await _save(api, tx, row, changed)
    if cpr is not None:
        await move_end(api, tx, row.agency, patron_id, cpr)
    if update.address is not None:
        await _replace_address(tx, row, "home", update.address.to_address())
    return rules.cpr_cautions(cpr) if cpr is not None else []


async def change_pin(
    api: PatronApi, patron_id: int, pin: str, current: str | None, caller: Principal
) -> Refusal | None:
    """Set a new PIN and end all log-ins. The patron proves the present one, and failures lock; staff sets a new one unseen (R21)."""
    credential = await identity_store.patron_by_id(api.database, patron_id)
    if credential is None:
        return UNKNOWN_PATRON()
    if credential.agency != caller.agency:
        return WRONG_AGENCY()
    if refusal := rules.pin_shape(pin, api.rules_of(credential.agency)):
        return refusal
    if caller.patron_id == patron_id:
        checked = await check_secret(api, credential, current or "")
        if isinstance(checked, Refusal):
            return checked if checked.problem.status == 403 else rules.WRONG_PIN()
    pin_hash = await api.hasher.hash(pin)
    async with api.database.transaction() as tx:
        await identity_store.save_pin(tx, patron_id, pin_hash)
        await identity_store.end_all(tx, patron_id)
    return None


async def _save(api: PatronApi, tx: Transaction, before: PatronRow, after: PatronRow) -> None:
    if after == before:
        return
    await store.save(tx, after)
    if any(getattr(after, name) != getattr(before, name) for name in TOLD):
        await tell_lending(api, tx, after.agency, after.patron_id, PatronChanged)


async def _replace_address(tx: Transaction, row: PatronRow, kind: str, address: PostalAddress | None) -> None:
    changed, gone = await contact_store.replace_address(tx, row.agency, row.patron_id, kind, address)
    if changed:
        erased = [Erasure(record_class="contact", record_ids=gone)] if gone else []
        tx.record(row.agency, row.patron_id, ContactChanged(patron_id=row.patron_id, erased=erased))
