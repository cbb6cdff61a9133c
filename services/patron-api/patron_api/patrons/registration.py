"""Register a patron: everything or nothing, in one transaction (R1-R12, R16-R30)."""

from dataclasses import dataclass

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal, RefusedError
from glem_contracts.events import PatronRegistered
from patron_api.cards import rules as card_rules
from patron_api.cards import store as card_store
from patron_api.cautions import Caution
from patron_api.contacts import rules as contact_rules
from patron_api.contacts import store as contact_store
from patron_api.contacts.actions import read_wishes
from patron_api.contacts.rules import Reach
from patron_api.context import PatronApi
from patron_api.cpr import Cpr
from patron_api.guardians import rules as guardian_rules
from patron_api.guardians.actions import read_guardian, write_guardian
from patron_api.guardians.rules import GuardianData
from patron_api.patrons import rules, store
from patron_api.patrons.changes import tell_lending
from patron_api.patrons.schemas import Registration
from patron_api.patrons.store import PatronRow
from patron_api.permissions.actions import write_permissions


@dataclass(frozen=True, slots=True)
class _Checked:
    row: PatronRow
    guardian: GuardianData | None
    reaches: list[Reach]


async def register(api: PatronApi, new: Registration, caller: Principal) -> tuple[int, list[Caution]] | Refusal:
    """Register a patron at the caller's agency and return the random number (R3), with what to look at again."""
    checked = _check(api, new, caller.agency)
    if isinstance(checked, Refusal):
        return checked
    pin_hash = await api.hasher.hash(new.pin.get_secret_value())
    async with api.database.transaction() as tx:
        row = checked.row
        if not await store.insert(tx, row, pin_hash):
            return rules.ALREADY_REGISTERED(patron_id=await store.id_of(tx, row.agency, row.cpr))
        await tell_lending(api, tx, row.agency, row.patron_id, PatronRegistered)
        cautions = await _write_parts(api, tx, new, checked, caller)
    return row.patron_id, [*rules.cpr_cautions(row.cpr), *cautions]


def _check(api: PatronApi, new: Registration, agency: str) -> _Checked | Refusal:
    today = local_date(api.runtime.clock.now())
    own_rules, identity = api.rules_of(agency), api.runtime.agencies[agency].identity
    cpr = Cpr.parse(new.cpr, today)
    if isinstance(cpr, Refusal):
        return cpr
    guardian = read_guardian(new.guardian, today) if new.guardian is not None else None
    if isinstance(guardian, Refusal):
        return guardian
    reaches = _reaches(new)
    if isinstance(reaches, Refusal):
        return reaches
    is_minor = not rules.has_reached(cpr.birth_date, rules.AGE_OF_MAJORITY, today)
    language = new.language or own_rules.default_language
    refusals = (
        rules.fits_agency(
            own_rules, identity.branches, group=new.patron_group, branch=new.home_branch, language=language
        ),
        rules.pin_shape(new.pin.get_secret_value(), own_rules),
        guardian_rules.acceptable(cpr, guardian, own_rules, today),
        *(card_rules.card_fits(card.kind, card.number, is_minor=is_minor, today=today) for card in new.cards),
    )
    if refusal := next(filter(None, refusals), None):
        return refusal
    row = PatronRow(
        patron_id=new_id(),
        agency=agency,
        cpr=cpr,
        name=new.name,
        protected=new.protected,
        municipality=new.municipality,
        patron_group=new.patron_group,
        age_band=rules.age_band(cpr.birth_date, own_rules.age_bands, today),
        home_branch=new.home_branch,
        language=language,
    )
    return _Checked(row, guardian, reaches)


def _reaches(new: Registration) -> list[Reach] | Refusal:
    read = read_wishes(new.phones, new.emails)
    if isinstance(read, Refusal):
        return read
    reaches: list[Reach] = []
    for given in read.values():
        plan = contact_rules.with_receiver(given or [])
        if isinstance(plan, Refusal):
            return plan
        reaches += plan
    return reaches


async def _write_parts(
    api: PatronApi, tx: Transaction, new: Registration, checked: _Checked, caller: Principal
) -> list[Caution]:
    row = checked.row
    for kind, address in (("home", new.address), ("co", new.co_address)):
        if address is not None:
            await contact_store.replace_address(tx, row.agency, row.patron_id, kind, address.to_address())
    await contact_store.insert_reaches(tx, row.agency, row.patron_id, checked.reaches)
    for card in new.cards:
        if await card_store.insert(tx, row.agency, row.patron_id, card.kind, card.number) is None:
            # An exception, for the patron's row is written and must not stay.
            raise RefusedError(card_rules.CARD_TAKEN())
    wanted = {purpose: wish for purpose, wish in new.permissions.model_dump().items() if wish is not None}
    await write_permissions(tx, api.rules_of(row.agency), row.agency, row.patron_id, wanted, caller.subject)
    if checked.guardian is None:
        return []
    return await write_guardian(api, tx, row.agency, row.patron_id, row.cpr, checked.guardian)
