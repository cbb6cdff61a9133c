"""Debts as loan-api tells of them."""

from collections.abc import Sequence

from glem.consuming import Handler
from glem.database import Transaction
from glem_contracts.events import DebtEvent
from glem_contracts.events.envelope import Event
from patron_api.blocks import actions, rules
from patron_api.context import PatronApi


def on_debts(api: PatronApi) -> Handler:
    """Return the handler of debt events: block E at the agency's limit, lifted below it."""

    async def handle(tx: Transaction, events: Sequence[Event]) -> None:
        debts = [(event.agency, event.data) for event in events if isinstance(event.data, DebtEvent)]
        await actions.follow_debts(api, tx, rules.newest(debts))

    return handle
