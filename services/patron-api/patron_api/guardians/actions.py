"""Keep a child's guardian, replace them, and forget them on the 18th birthday."""

from datetime import date

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import PatronDataErased
from glem_contracts.events.envelope import Erasure
from patron_api.cautions import Caution
from patron_api.contacts.rules import read_email, read_phone
from patron_api.context import PatronApi
from patron_api.cpr import Cpr
from patron_api.guardians import rules, store
from patron_api.guardians.rules import GuardianData
from patron_api.guardians.schemas import GuardianBody
from patron_api.patrons import store as patrons_store
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.rules import AGE_OF_MAJORITY, birthday

BATCH = 500


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
) -> tuple[int | None, list[Caution]]:
    """Keep what the agency keeps of an acceptable guardian; return the replaced one's id, and warnings.

    Where the guardian is a patron here, the child is among the wards of that log-in, also where no CPR number is kept.
    """
    minimal, cautions = rules.kept(guardian, api.rules_of(agency))
    as_patron = await patrons_store.id_of(tx, agency, guardian.cpr) if guardian.cpr else None
    until = birthday(child.birth_date, AGE_OF_MAJORITY)
    return await store.replace(tx, agency, patron_id, minimal, as_patron, until), cautions


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
        old, cautions = await write_guardian(api, tx, row.agency, patron_id, row.cpr, guardian)
        if old is not None:
            _tell_erased(tx, row.agency, [old])
        return cautions


async def forget_ended(api: PatronApi) -> int:
    """Erase the guardians of those who have become 18 and owe nothing; return how many. A pass of the background work."""
    async with api.database.transaction() as tx:
        gone = await store.erase_ended(tx, list(api.rules), local_date(tx.now), BATCH)
        for agency, guardian_ids in gone.items():
            _tell_erased(tx, agency, guardian_ids)
    return sum(map(len, gone.values()))


def _tell_erased(tx: Transaction, agency: str, guardian_ids: list[int]) -> None:
    erased = [Erasure(record_class="guardian", record_ids=guardian_ids)]
    tx.record(agency, guardian_ids[0], PatronDataErased(erased=erased))
