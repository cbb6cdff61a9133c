"""Change phones and e-mail addresses; the old ones are deleted in the same transaction (R8-R11)."""

from collections.abc import Sequence

from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import ContactChanged
from glem_contracts.events.envelope import Erasure
from patron_api.access import is_own
from patron_api.contacts import rules, store
from patron_api.contacts.rules import Reach
from patron_api.contacts.schemas import ContactsChange, Email, Phone
from patron_api.context import PatronApi
from patron_api.patrons.changes import lock_patron

Read = dict[str, list[Reach] | None]


def read_wishes(phones: Sequence[Phone] | None, emails: Sequence[Email] | None) -> Read | Refusal:
    """Read phones and e-mail addresses as they were typed; None stays None."""
    read: Read = {"phone": None, "email": None}
    typed: list[tuple[str, Reach | Refusal]] = [
        *(("phone", rules.read_phone(p.number, p.kind, receives=p.receives)) for p in phones or ()),
        *(("email", rules.read_email(e.address, receives=e.receives)) for e in emails or ()),
    ]
    for channel, given in (("phone", phones), ("email", emails)):
        if given is not None:
            read[channel] = []
    for channel, result in typed:
        if isinstance(result, Refusal):
            return result
        read[channel] = [*(read[channel] or []), result]
    return read


async def change_contacts(
    api: PatronApi, patron_id: int, change: ContactsChange, caller: Principal
) -> list[Reach] | Refusal:
    """Replace a patron's phones, e-mail addresses or both, and return all that are there now."""
    read = read_wishes(change.phones, change.emails)
    if isinstance(read, Refusal):
        return read
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        present = {channel: await store.reaches(tx, patron_id, channel) for channel in read}
        plans: dict[str, list[Reach]] = {}
        for channel, given in read.items():
            old = list(present[channel].values())
            wished = old if given is None else given
            if given is not None and is_own(caller, patron_id):
                kept = rules.landlines_kept(old, given)
                if isinstance(kept, Refusal):
                    return kept
                wished = kept
            plan = rules.with_receiver(wished)
            if isinstance(plan, Refusal):
                return plan
            plans[channel] = plan
        outcomes = [
            await store.replace_reaches(tx, row.agency, patron_id, channel, plan) for channel, plan in plans.items()
        ]
        gone = [contact_id for _, ids in outcomes for contact_id in ids]
        if any(changed for changed, _ in outcomes):
            erased = [Erasure(record_class="contact", record_ids=gone)] if gone else []
            tx.record(row.agency, patron_id, ContactChanged(patron_id=patron_id, erased=erased))
        return [reach for plan in plans.values() for reach in plan]
