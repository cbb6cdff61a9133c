"""The wiring of patron-api: its routes, what it consumes, and its work in the background."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from glem.disposals import disposal_router
from glem.events import DebtEvent, PolicyAdopted
from glem.policy_book import PolicyBook
from glem.purposes import purposes_router
from glem.service import Runtime, build_app
from patron_api.absence.routes import router as absence
from patron_api.base import metadata
from patron_api.blocks.consumers import on_debts
from patron_api.blocks.routes import router as blocks
from patron_api.cards.routes import router as cards
from patron_api.contacts.routes import router as contacts
from patron_api.context import PatronApi
from patron_api.disposals import disposers
from patron_api.guardians.actions import forget_ended
from patron_api.guardians.routes import router as guardians
from patron_api.identity.accounts import bootstrap
from patron_api.identity.actions import forget_expired, open_issuer
from patron_api.identity.routes import router as identity
from patron_api.notes.routes import router as notes
from patron_api.patrons.birthdays import Birthdays
from patron_api.patrons.routes import router as patrons
from patron_api.permissions.routes import router as permissions
from patron_api.resolve.routes import router as resolve
from patron_api.restore import restorable

BIRTHDAY_SECONDS = 5.0
FORGET_SECONDS = 60.0


def create_app(runtime: Runtime) -> FastAPI:
    """Return patron-api; raises PolicyFileError when an agency's section is wrong."""
    api = PatronApi.of(runtime)
    runtime.consume({DebtEvent: on_debts(api), PolicyAdopted: PolicyBook(runtime).note})
    runtime.every(BIRTHDAY_SECONDS, "age-bands", Birthdays(api).pass_bands)
    runtime.every(BIRTHDAY_SECONDS, "guardians", partial(forget_ended, api))
    runtime.every(FORGET_SECONDS, "refresh-tokens", partial(forget_expired, api), timely=False)
    app = build_app(
        runtime,
        title="Glem: patrons",
        description="Who the patron is, what they agreed to, how they log in, and their rights.",
        routers=[
            identity,
            cards,
            patrons,
            contacts,
            permissions,
            absence,
            blocks,
            notes,
            guardians,
            resolve,
            disposal_router(disposers(api)),
            purposes_router(metadata),
        ],
    )
    app.state.patron_api = api
    runtime.guard.restorable = restorable(api)
    serving = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await open_issuer(api)
        await bootstrap(api)
        async with serving(app):
            yield

    app.router.lifespan_context = lifespan
    return app
