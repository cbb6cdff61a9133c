"""Asking the source of an event whether it is so, before something is erased by it for good (H107).

A broker is a place that others may write to; what an event alone says must not end a patron.
"""

from http import HTTPStatus

from glem.clients import Clients
from glem.consuming import LaterError


class ForgedError(Exception):
    """An event says what its source denies; it goes to the dead letters, and nothing is done."""


async def confirm_erased(clients: Clients, patron_id: int) -> None:
    """Return when patron-api has no such patron; raises ForgedError when it has, LaterError when it cannot say."""
    answer = await clients["patron-api"].get(f"/patrons/{patron_id}/snapshot")
    if answer.status_code == HTTPStatus.OK:
        raise ForgedError
    if answer.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise LaterError
