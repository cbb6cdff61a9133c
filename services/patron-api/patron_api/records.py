"""The record classes of patron-api: its declarations, put together."""

from collections.abc import Sequence

import patron_api
from glem.database import Transaction
from glem_contracts.events import PatronChanged
from glem_retention.records import Records, declared_in
from patron_api.base import metadata
from patron_api.context import PatronApi
from patron_api.patrons.changes import tell_lending_of_many

DECLARED = declared_in(patron_api)


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
