"""The wiring of patron-api: its routes, what it consumes, and its work in the background."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

import patron_api
from glem.consuming import Handler
from glem.database import Transaction
from glem.service import build_app
from glem.slices import routers_in
from glem_contracts.events import DebtEvent, DebtSettled, LoanClosedAsLost, LoanReturned, PolicyAdopted
from glem_contracts.events.envelope import Event
from glem_retention.disposals import disposal_router
from glem_retention.policy_book import PolicyBook
from glem_retention.purposes import purposes_router
from glem_retention.runtime import Runtime
from patron_api.base import metadata
from patron_api.blocks.consumers import on_debts
from patron_api.consents.actions import end_lapsed
from patron_api.context import PatronApi
from patron_api.erasure import actions as erasures
from patron_api.erasure.consumers import on_cleared
from patron_api.identity.accounts import bootstrap
from patron_api.identity.actions import forget_expired, open_issuer
from patron_api.patrons.birthdays import Birthdays
from patron_api.records import records
from patron_api.restore import restorable

BIRTHDAY_SECONDS = 5.0
FORGET_SECONDS = 60.0
ERASURE_SECONDS = 1.0


def in_turn(*handlers: Handler) -> Handler:
    """Return a handler that hands each event to several, in one transaction."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for handler in handlers:
            await handler(tx, events)

    return handle


def create_app(runtime: Runtime) -> FastAPI:
    """Return patron-api; raises PolicyFileError when an agency's section is wrong."""
    api = PatronApi.of(runtime)
    kept = records(api)
    disposers = kept.disposers()
    runtime.consume(
        {
            DebtEvent: on_debts(api),
            DebtSettled: in_turn(on_debts(api), on_cleared),
            LoanReturned: on_cleared,
            LoanClosedAsLost: on_cleared,
            PolicyAdopted: PolicyBook(runtime).note,
        }
    )
    runtime.every(BIRTHDAY_SECONDS, "age-bands", Birthdays(api).pass_bands)
    runtime.every(BIRTHDAY_SECONDS, "consents", partial(end_lapsed, api))
    runtime.every(ERASURE_SECONDS, "erasures", partial(erasures.pass_once, api))
    runtime.every(FORGET_SECONDS, "refresh-tokens", partial(forget_expired, api), timely=False)
    app = build_app(
        runtime,
        title="Glem: patrons",
        description="Who the patron is, what they agreed to, how they log in, and their rights.",
        routers=[
            *routers_in(patron_api),
            disposal_router(disposers),
            purposes_router(metadata),
        ],
    )
    app.state.patron_api = api
    app.state.records = kept
    app.state.disposers = disposers
    runtime.guard.restorable = restorable(api, kept)
    serving = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await open_issuer(api)
        await bootstrap(api)
        async with serving(app):
            yield

    app.router.lifespan_context = lifespan
    return app
