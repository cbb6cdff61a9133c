"""Tell lending, at Danish midnight, of those who have reached one of their agency's ages (R7)."""

from datetime import date

from glem.clock import local_date
from glem_contracts.events import PatronChanged
from patron_api.context import PatronApi
from patron_api.patrons import rules, store
from patron_api.patrons.changes import tell_lending_of_many

BATCH = 500


class Birthdays:
    """The pass over all patrons: once for each Danish day, and once at start, when an agency's ages may be others."""

    def __init__(self, api: PatronApi) -> None:
        """Begin with no day done."""
        self._api = api
        self._done: date | None = None

    async def pass_bands(self) -> int:
        """Write and tell at most 500 age bands of each agency; return how many."""
        today = local_date(self._api.runtime.clock.now())
        if self._done == today:
            return 0
        told = sum([await self._pass(agency, today) for agency in self._api.rules])
        if not told:
            self._done = today
        return told

    async def _pass(self, agency: str, today: date) -> int:
        ages = self._api.rules[agency].age_bands
        async with self._api.database.transaction() as tx:
            latest_births = [rules.latest_birth(age, today) for age in ages]
            patron_ids = await store.pass_bands(tx, agency, ages, latest_births, BATCH)
            if patron_ids:
                await tell_lending_of_many(self._api, tx, agency, patron_ids, PatronChanged)
        return len(patron_ids)
