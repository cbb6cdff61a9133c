"""Set and lift blocks; block E follows debts."""

from collections.abc import Sequence

from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import PatronBlocked, PatronUnblocked
from glem_contracts.events.envelope import RecordClock
from patron_api.blocks import rules, store
from patron_api.blocks.rules import Code, Standing
from patron_api.context import PatronApi
from patron_api.guardians.actions import follow_owing
from patron_api.patrons.changes import lock_patron, tell_lending


async def set_block(
    api: PatronApi, patron_id: int, code: Code, reason: str | None, caller: Principal
) -> Refusal | None:
    """Block a patron from now (R14, R15)."""
    if refusal := rules.by_staff(code, reason):
        return refusal
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        if not await write_block(api, tx, row.agency, patron_id, code, reason):
            return rules.BLOCK_EXISTS()
    return None


async def lift_block(api: PatronApi, patron_id: int, code: Code, caller: Principal) -> Refusal | None:
    """Lift a block; it goes when its period has passed."""
    if refusal := rules.by_staff(code, None):
        return refusal
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        if not await _lift(api, tx, row.agency, patron_id, code):
            return rules.NOT_BLOCKED()
    return None


async def follow_debts(api: PatronApi, tx: Transaction, standings: Sequence[Standing]) -> None:
    """Set or lift block E, and hold the guardian, as the newest standings say; older ones change nothing (R15, R28, R57)."""
    for standing in standings:
        known = await store.save_standing(tx, standing.patron_id, standing.agency, standing.version, owes=standing.owes)
        if not known:
            continue
        await follow_owing(api, tx, standing.agency, standing.patron_id, owes=standing.owes)
        if standing.over_limit:
            await write_block(api, tx, standing.agency, standing.patron_id, rules.DEBT, None)
        else:
            await _lift(api, tx, standing.agency, standing.patron_id, rules.DEBT)


async def write_block(
    api: PatronApi, tx: Transaction, agency: str, patron_id: int, code: Code, reason: str | None
) -> bool:
    """Set a block of a locked patron and tell lending; False when it is in force already."""
    made = await store.insert(tx, agency, patron_id, code, reason)
    if made:
        await tell_lending(api, tx, agency, patron_id, PatronBlocked)
    return made


async def _lift(api: PatronApi, tx: Transaction, agency: str, patron_id: int, code: Code) -> bool:
    lifted = await store.lift(tx, patron_id, code)
    if lifted is None:
        return False
    clock = RecordClock(record_class="lifted-block", record_id=lifted[0], version=lifted[1], anchor=tx.now)
    await tell_lending(api, tx, agency, patron_id, PatronUnblocked, clocks=[clock])
    return True
