"""The record classes of patron-api: its declarations, put together."""

from collections.abc import Sequence

from glem.database import Transaction
from glem_contracts.events import PatronChanged
from glem_retention.records import Records
from patron_api.absence.tables import ABSENCES
from patron_api.base import metadata
from patron_api.blocks.tables import BLOCKS
from patron_api.cards.tables import CARDS
from patron_api.contacts.tables import ADDRESSES, CONTACTS
from patron_api.context import PatronApi
from patron_api.erasure.tables import ERASURE_REQUESTS
from patron_api.export.tables import ACCESSES, EXPORT_REQUESTS
from patron_api.guardians.tables import GUARDIANS
from patron_api.identity.tables import ACCOUNTS
from patron_api.notes.tables import INTERNAL_NOTES, PATRON_NOTES
from patron_api.patrons.changes import tell_lending_of_many
from patron_api.patrons.tables import PATRONS
from patron_api.permissions import tables as _permissions  # noqa: F401  its table goes with the patron

DECLARED = (
    PATRONS,
    ADDRESSES,
    CONTACTS,
    CARDS,
    GUARDIANS,
    ABSENCES,
    BLOCKS,
    INTERNAL_NOTES,
    PATRON_NOTES,
    ERASURE_REQUESTS,
    EXPORT_REQUESTS,
    ACCESSES,
    ACCOUNTS,
)


def records(api: PatronApi) -> Records:
    """Put the declarations together; raises DeclarationError when one is missing."""

    async def patrons_changed(tx: Transaction, agency: str, patron_ids: Sequence[int]) -> None:
        await tell_lending_of_many(api, tx, agency, patron_ids, PatronChanged)

    return Records(
        owner="patron-api",
        metadata=metadata,
        declared=DECLARED,
        with_patron=("consent", "refresh_token"),
        patrons_changed=patrons_changed,
    )
