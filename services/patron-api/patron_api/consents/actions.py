"""Give and end the consent by which works are remembered for a homebound patron; lending follows by events."""

from datetime import date

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import WRONG_AGENCY, Refusal
from glem_contracts.events import HOMEBOUND_HISTORY, ConsentGiven, ConsentWithdrawn
from patron_api.access import UNKNOWN_PATRON
from patron_api.consents import rules, store
from patron_api.consents.rules import Signer
from patron_api.consents.schemas import ConsentView
from patron_api.context import PatronApi
from patron_api.patrons import store as patrons_store
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.rules import AGE_OF_MAJORITY, latest_birth

BATCH = 200


async def give(
    api: PatronApi, patron_id: int, signed_on: date, signed_by: Signer, caller: Principal
) -> ConsentView | Refusal:
    """Write a signed consent; one that is in force already stays as it is."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        own = api.rules_of(row.agency).homebound
        refusal = rules.may_consent(
            own,
            group=row.patron_group,
            born=row.born,
            signed_on=signed_on,
            signed_by=signed_by,
            today=local_date(tx.now),
        )
        if refusal is not None:
            return refusal
        known = _view(await store.latest(tx, patron_id))
        if known.in_force:
            return known
        await store.give(
            tx,
            row.agency,
            patron_id,
            wording=own.wording,
            by=caller.subject,
            signed_on=signed_on,
            signed_by=signed_by,
        )
        version = await store.count_up(tx, patron_id)
        given = ConsentGiven(patron_id=patron_id, purpose=HOMEBOUND_HISTORY, version=version)
        tx.record(row.agency, patron_id, given)
        return _view(await store.latest(tx, patron_id))


async def withdraw(api: PatronApi, patron_id: int, caller: Principal) -> Refusal | None:
    """End the consent, if there is one; what was remembered goes at once (H30)."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        await _end(tx, row.agency, patron_id, caller.subject)
    return None


async def read(api: PatronApi, patron_id: int, caller: Principal) -> ConsentView | Refusal:
    """Return the consent as it stands."""
    agency = await patrons_store.agency_of(api.database, patron_id)
    if agency is None:
        return UNKNOWN_PATRON()
    if caller.agency not in {agency, "*"}:
        return WRONG_AGENCY()
    return _view(await store.latest(api.database, patron_id))


async def end_if_left(api: PatronApi, tx: Transaction, agency: str, patron_id: int, group: str) -> None:
    """End the consent of a locked patron who is no longer of the homebound group (H34)."""
    if group != api.rules_of(agency).homebound.group:
        await _end(tx, agency, patron_id, "left-group")


async def end_lapsed(api: PatronApi) -> int:
    """End consents that nothing carries any more (H33, H34, H35); return how many. A pass of the background work."""
    done = 0
    schemes = {agency: own.homebound for agency, own in api.rules.items()}
    groups = {agency: own.group if own.enabled else None for agency, own in schemes.items()}
    async with api.database.transaction() as tx:
        today = local_date(tx.now)
        for row in await store.in_force(tx, groups, latest_birth(AGE_OF_MAJORITY, today), BATCH):
            agency = row["agency"]
            reason = rules.ended(
                schemes[agency],
                group=row["patron_group"],
                born=row["birth_date"],
                signed_by=row["signed_by"],
                today=today,
            )
            done += reason is not None and await _end(tx, agency, row["patron_id"], reason)
    return done


async def _end(tx: Transaction, agency: str, patron_id: int, by: str) -> bool:
    if not await store.withdraw(tx, patron_id, by):
        return False
    version = await store.count_up(tx, patron_id)
    tx.record(agency, patron_id, ConsentWithdrawn(patron_id=patron_id, purpose=HOMEBOUND_HISTORY, version=version))
    return True


def _view(record: object) -> ConsentView:
    if record is None:
        return ConsentView(in_force=False)
    fields = dict(record)  # type: ignore[call-overload]
    return ConsentView(in_force=fields["withdrawn_at"] is None, **fields)
