"""Whether notices may be sent, and what a change of permission writes."""

from typing import Literal

from patron_api.agency import PatronRules

PURPOSES = ("sms", "email")
Step = Literal["give", "withdraw", "deny"]


def permitted(consent_open: bool | None, rules: PatronRules) -> bool:  # noqa: FBT001  a state, not a switch
    """Say whether a channel is permitted. `consent_open`: a consent is in force, was withdrawn, or (None) was never asked for.

    R12, DIFF: where only opt-in counts nothing is sent before the patron says yes; elsewhere until the patron says no.
    """
    return rules.notice_permission == "default-on" if consent_open is None else consent_open


def step(consent_open: bool | None, wanted: bool) -> Step | None:  # noqa: FBT001  states, not switches
    """Return what must be written so that `wanted` holds; `deny` withdraws what only the agency's default had permitted."""
    if wanted:
        return None if consent_open else "give"
    if consent_open is None:
        return "deny"
    return "withdraw" if consent_open else None
