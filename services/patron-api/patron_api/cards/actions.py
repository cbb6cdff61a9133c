"""Hand out and take away cards, and recognise patrons by them."""

from glem.clock import local_date
from glem.identity import Principal
from glem.problems import Refusal
from glem_contracts.events import PatronDataErased
from glem_contracts.events.envelope import Erasure
from patron_api.blocks.actions import write_block
from patron_api.blocks.rules import STOLEN
from patron_api.cards import rules, store
from patron_api.cards.rules import Because, Kind
from patron_api.context import PatronApi
from patron_api.identity import store as identity_store
from patron_api.identity.actions import check_secret, find_patron
from patron_api.patrons.changes import lock_patron
from patron_api.patrons.rules import AGE_OF_MAJORITY, has_reached


async def add_card(api: PatronApi, patron_id: int, kind: Kind, number: str | None, caller: Principal) -> int | Refusal:
    """Give a patron a card and return its id (R20)."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        today = local_date(tx.now)
        is_minor = not has_reached(row.born, AGE_OF_MAJORITY, today)
        if refusal := rules.card_fits(kind, number, is_minor=is_minor, today=today):
            return refusal
        made = await store.insert(tx, row.agency, patron_id, kind, number)
        return rules.CARD_TAKEN() if made is None else made


async def remove_card(
    api: PatronApi, patron_id: int, card_id: int, because: Because, caller: Principal
) -> Refusal | None:
    """Take a card away: it stops working and its number goes at once (R20). A stolen one blocks and ends all log-ins (R15)."""
    async with api.database.transaction() as tx:
        row = await lock_patron(tx, patron_id, caller)
        if isinstance(row, Refusal):
            return row
        if not await store.delete(tx, patron_id, card_id):
            return rules.UNKNOWN_CARD()
        erased = [Erasure(record_class="card", record_ids=[card_id])]
        tx.record(row.agency, patron_id, PatronDataErased(erased=erased))
        if because == "stolen":
            await identity_store.end_all(tx, patron_id)
            await write_block(api, tx, row.agency, patron_id, STOLEN, None)
    return None


async def identify(api: PatronApi, agency: str, card: str, pin: str | None) -> tuple[int, str] | Refusal:
    """Recognise a patron by a card that works, and by the PIN where one is given; return the id and the language."""
    found = await find_patron(api, agency, card)
    if pin is not None:
        checked = await check_secret(api, found, pin)
        if isinstance(checked, Refusal):
            return checked
    if found is None:
        return rules.UNKNOWN_CARD()
    language = await identity_store.language_of(api.database, found.subject)
    return rules.UNKNOWN_CARD() if language is None else (found.subject, language)
