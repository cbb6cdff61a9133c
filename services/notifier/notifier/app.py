"""The wiring of notifier: routes, consumers and background work around a Runtime."""

from functools import partial

from fastapi import FastAPI

from glem.service import build_app
from glem_contracts.events import PatronErased, PolicyAdopted
from glem_retention.disposals import disposal_router
from glem_retention.policy_book import PolicyBook
from glem_retention.purposes import purposes_router
from glem_retention.runtime import Runtime
from notifier.agency import MessageRules
from notifier.base import metadata
from notifier.messages import actions, consumers, routes
from notifier.meters import Meters
from notifier.records import RECORDS
from notifier.restore import restorable
from notifier.rights.consumers import on_erased
from notifier.rights.routes import router as rights
from notifier.sending.actions import Sender
from notifier.sending.drafting import House
from notifier.settings import NotifierSettings

DESCRIPTION = (
    "Messages by e-mail and SMS, in Danish and English; the overview of them, and their text while it is kept."
)
WATCH_SECONDS = 5.0
FORGET_SECONDS = 3600.0
DESTROY_SECONDS = 1.0


def create_app(runtime: Runtime) -> FastAPI:
    """Return the application of notifier on `runtime`; raises PolicyFileError for a wrong section [messages]."""
    settings = runtime.settings
    if not isinstance(settings, NotifierSettings):
        raise TypeError("notifier's runtime is opened with NotifierSettings")
    agencies = runtime.agencies.section("messages", MessageRules)
    houses = {isil: House(runtime.agencies[isil].identity, rules) for isil, rules in agencies.items()}
    meters = Meters(runtime.metrics)
    sender = Sender(runtime, settings, houses, meters)
    runtime.consume(
        {
            **consumers.handlers(agencies),
            PatronErased: on_erased(runtime.clients),
            PolicyAdopted: PolicyBook(runtime).note,
        }
    )
    runtime.every(settings.send_every, "send-messages", sender.send_waiting)
    runtime.every(WATCH_SECONDS, "watch-queue", partial(meters.watch_queue, runtime), timely=False)
    runtime.every(FORGET_SECONDS, "forget-events", partial(actions.forget_events, runtime), timely=False)
    runtime.every(DESTROY_SECONDS, "destroy-keys", partial(actions.destroy_spent_keys, runtime))
    runtime.every(FORGET_SECONDS, "tidy-keys", partial(actions.tidy_keys, runtime), timely=False)
    runtime.guard.restorable = restorable(runtime.database, RECORDS)
    disposers = RECORDS.disposers()
    app = build_app(
        runtime,
        title="Glem notifier",
        description=DESCRIPTION,
        routers=[routes.router, rights, disposal_router(disposers), purposes_router(metadata)],
    )
    app.state.records = RECORDS
    app.state.disposers = disposers
    return app
