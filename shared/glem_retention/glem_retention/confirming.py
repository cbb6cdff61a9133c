"""Asking the source of an event whether it is so, before something is erased by it for good (H107).

A broker is a place that others may write to; what an event alone says must not end a patron.
"""

from http import HTTPStatus

from glem.clients import Clients, PeerError
from glem.consuming import LaterError
from glem_contracts.snapshots import READ_SNAPSHOT


class ForgedError(Exception):
    """An event says what its source denies; it goes to the dead letters, and nothing is done."""


async def confirm_erased(clients: Clients, patron_id: int) -> None:
    """Return when patron-api has no such patron; raises ForgedError when it has, LaterError when it cannot say."""
    try:
        await clients.call("patron-api", READ_SNAPSHOT, patron_id=patron_id)
    except PeerError as error:
        if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise LaterError from error
    else:
        raise ForgedError
