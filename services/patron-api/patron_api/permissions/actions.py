"""Give and withdraw the permission for notices; a withdrawal stops them at once (R12)."""

from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import ConsentGiven, ConsentWithdrawn
from patron_api.agency import PatronRules
from patron_api.context import PatronApi
from patron_api.patrons.changes import lock_patron
from patron_api.permissions import rules, store


async def change_permissions(
    api: PatronApi, patron_id: int, wanted: dict[str, bool], caller: Principal
) -> dict[str, bool] | Refusal:
    """Write the permissions that are `wanted` and return what is permitted now, by purpose."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        own_rules = api.rules_of(row.agency)
        await write_permissions(tx, own_rules, row.agency, patron_id, wanted, caller.subject)
        states = await store.states(tx, patron_id)
        return {purpose: rules.permitted(states.get(purpose), own_rules) for purpose in rules.PURPOSES}


async def write_permissions(
    tx: Transaction, own_rules: PatronRules, agency: str, patron_id: int, wanted: dict[str, bool], by: str
) -> None:
    """Write decisions about permissions of a locked patron, and record them."""
    states = await store.states(tx, patron_id)
    wording = own_rules.permission_wording
    for purpose, wish in wanted.items():
        match rules.step(states.get(purpose), wish):
            case "give":
                await store.give(tx, agency, patron_id, purpose, wording, by)
                tx.record(agency, patron_id, ConsentGiven(patron_id=patron_id, purpose=purpose))
            case "withdraw":
                await store.withdraw(tx, patron_id, purpose, by)
                tx.record(agency, patron_id, ConsentWithdrawn(patron_id=patron_id, purpose=purpose))
            case "deny":
                await store.deny(tx, agency, patron_id, purpose, wording, by)
                tx.record(agency, patron_id, ConsentWithdrawn(patron_id=patron_id, purpose=purpose))
            case None:
                pass
