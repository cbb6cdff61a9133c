"""Answer what other services need to know of patrons."""

from collections.abc import Sequence
from typing import Any

from glem.problems import Refusal
from patron_api.access import UNKNOWN_PATRON
from patron_api.context import PatronApi
from patron_api.erasure.actions import is_erased
from patron_api.erasure.rules import PATRON_ERASED
from patron_api.patrons import store as patrons_store
from patron_api.resolve import rules, store


async def resolve(api: PatronApi, patron_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return how to reach each of `patron_ids`; those who are unknown are left out."""
    now = api.runtime.clock.now()
    cutoffs = api.runtime.agencies.cutoffs("patron-note", now)
    rows = await store.reachable(api.database, patron_ids, cutoffs)
    return [rules.usable(row, api.rules_of(row["agency"])) for row in rows]


async def read_snapshot(api: PatronApi, patron_id: int) -> dict[str, Any] | Refusal:
    """Return what lending needs to know of a patron; refuses unknown-patron, patron-erased."""
    agency = await patrons_store.agency_of(api.database, patron_id)
    if agency is None:
        return PATRON_ERASED() if await is_erased(api, patron_id) else UNKNOWN_PATRON()
    cutoff = api.cutoff(agency, "absence", api.runtime.clock.now())
    return await patrons_store.snapshot(api.database, patron_id, cutoff) or UNKNOWN_PATRON()
