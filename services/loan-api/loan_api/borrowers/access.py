"""Whom a request is about, and whether its bearer may ask."""

from glem.identity import Principal
from glem.problems import NO_SCOPE, RefusedError


def about(principal: Principal, patron_id: int | str, others: str) -> int:
    """Return the patron's id, `me` standing for the bearer; raises RefusedError unless it is theirs, or `others` is held."""
    if patron_id == "me":
        if principal.patron_id is None:
            raise RefusedError(NO_SCOPE(scope="self"))
        return principal.patron_id
    principal.about(int(patron_id), others)
    return int(patron_id)
