"""Keep a child's guardian, replace them, and tell from when their period runs."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import PatronDataKept
from patron_api.cautions import Caution
from patron_api.contacts.rules import read_email, read_phone
from patron_api.context import PatronApi
from patron_api.cpr import Cpr
from patron_api.guardians import rules, store
from patron_api.guardians.rules import GuardianData
from patron_api.guardians.schemas import GuardianBody
from patron_api.guardians.tables import GUARDIANS
from patron_api.patrons import store as patrons_store
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.rules import AGE_OF_MAJORITY, birthday


def read_guardian(body: GuardianBody, today: date) -> GuardianData | Refusal:
    """Read a guardian as typed; refuses malformed-cpr, malformed-phone, malformed-email."""
    cpr = Cpr.parse(body.cpr, today) if body.cpr is not None else None
    phone = read_phone(body.phone, "mobile", receives=False) if body.phone is not None else None
    email = read_email(body.email, receives=False) if body.email is not None else None
    for result in (cpr, phone, email):
        if isinstance(result, Refusal):
            return result
    return GuardianData(
        body.consent_on,
        cpr if isinstance(cpr, Cpr) else None,
        body.name,
        None if phone is None or isinstance(phone, Refusal) else phone.value,
        None if email is None or isinstance(email, Refusal) else email.value,
    )


async def write_guardian(
    api: PatronApi, tx: Transaction, agency: str, patron_id: int, child: Cpr, guardian: GuardianData
) -> list[Caution]:
    """Keep what the agency keeps of an acceptable guardian, in place of the one before; return warnings.

    Where the guardian is a patron here, the child is among the wards of that log-in, also where no CPR number is kept.
    """
    minimal, cautions = rules.kept(guardian, api.rules_of(agency))
    as_patron = await patrons_store.id_of(tx, agency, guardian.cpr) if guardian.cpr else None
    until = birthday(child.birth_date, AGE_OF_MAJORITY)
    anchor = rules.begins(until)
    old, clock = await store.replace(tx, agency, patron_id, minimal, as_patron, until=until, anchor=anchor)
    _tell(tx, agency, clock, gone=[] if old is None else [old])
    return cautions


async def change_guardian(
    api: PatronApi, patron_id: int, body: GuardianBody, caller: Principal
) -> list[Caution] | Refusal:
    """Replace a child's guardian; the former one's data goes at once."""
    guardian = read_guardian(body, local_date(api.runtime.clock.now()))
    if isinstance(guardian, Refusal):
        return guardian
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        if refusal := rules.acceptable(row.cpr, guardian, api.rules_of(row.agency), local_date(tx.now)):
            return refusal
        return await write_guardian(api, tx, row.agency, patron_id, row.cpr, guardian)


async def move_end(api: PatronApi, tx: Transaction, agency: str, patron_id: int, child: Cpr) -> None:
    """Move the end of a child's guardian with the 18th birthday, after the child's CPR number was corrected (H43)."""
    until = birthday(child.birth_date, AGE_OF_MAJORITY)
    clock = await store.move_end(tx, patron_id, until, rules.begins(until), _cutoff(api, agency, tx))
    _tell(tx, agency, clock)


async def follow_owing(api: PatronApi, tx: Transaction, agency: str, patron_id: int, *, owes: bool) -> None:
    """Hold the guardian of a child while the child owes, and let the period run when nothing is owed (R28)."""
    if owes:
        _tell(tx, agency, await store.hold(tx, patron_id, _cutoff(api, agency, tx)))
    else:
        _tell(tx, agency, await store.let_go(tx, patron_id))


def _cutoff(api: PatronApi, agency: str, tx: Transaction) -> datetime:
    return api.cutoff(agency, GUARDIANS.record_class, tx.now)


def _tell(tx: Transaction, agency: str, row: asyncpg.Record | None, *, gone: Sequence[int] = ()) -> None:
    """Tell the clock of a guardian, and which one it took the place of."""
    if row is not None:
        clock = GUARDIANS.clock(row["guardian_id"], row["anchor"], row["clock_version"])
        erased = [GUARDIANS.erasure(gone)] if gone else []
        tx.record(agency, row["guardian_id"], PatronDataKept(clocks=[clock], erased=erased))
