"""Whose things a request is about, and whether the bearer may ask."""

from glem.identity import Principal
from glem.problems import ProblemType, RefusedError
from glem_contracts.ids import LARGEST_ID

UNKNOWN_PATRON = ProblemType("unknown-patron", 404, "Låneren findes ikke.", "There is no such patron.")
NOBODY_ELSE = "own-token"
"""Names no scope that a token holds: what the patron and the guardian alone may do."""


def whose(text: str, caller: Principal, others: str) -> int:
    """Read the `{patron_id}` of a path, where `me` stands for the bearer.

    Raises RefusedError: unknown-patron for what is no id, missing-scope unless it is the bearer's own, a ward's, or the bearer
    holds the scope `others`.
    """
    if text == "me" and caller.patron_id is not None:
        return caller.patron_id
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= LARGEST_ID):
        raise RefusedError(UNKNOWN_PATRON())
    caller.about(int(text), others=others)
    return int(text)


def is_own(caller: Principal, patron_id: int) -> bool:
    """Say whether the bearer is the patron or its guardian."""
    return caller.patron_id == patron_id or patron_id in caller.wards
