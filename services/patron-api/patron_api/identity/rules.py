"""Which role may do what, and when a log-in is locked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from glem.problems import ProblemType, Refusal
from patron_api.agency import PatronRules

LOGIN_REFUSED = ProblemType(
    "login-refused",
    400,
    "Kort eller navn og kode passer ikke sammen.",
    "The card or name and the code do not fit each other.",
)
LOCKED_OUT = ProblemType(
    "loaner-locked-out",
    403,
    "Adgangen er midlertidigt lukket på grund af for mange mislykkede forsøg.",
    "Log-in is locked for a while because of too many failed attempts.",
)
LOGIN_ENDED = ProblemType(
    "login-ended",
    400,
    "Dit log-ind er slut. Log ind igen.",
    "Your log-in has ended. Log in again.",
)
CLIENT_REFUSED = ProblemType(
    "client-refused",
    401,
    "Maskinens navn og hemmelighed passer ikke sammen.",
    "The client's name and secret do not fit each other.",
)
UNKNOWN_GRANT = ProblemType(
    "unknown-grant",
    400,
    "Denne form for log-ind findes ikke, eller den mangler noget.",
    "This way of logging in does not exist, or something is missing for it.",
)
ACCOUNT_EXISTS = ProblemType(
    "account-exists",
    409,
    "Der er allerede en konto eller maskine med det navn.",
    "There is already an account or client of that name.",
)
UNKNOWN_ACCOUNT = ProblemType(
    "unknown-account",
    404,
    "Kontoen eller maskinen findes ikke.",
    "There is no such account or client.",
)

LIBRARIAN = (
    "patrons:read",
    "patrons:write",
    "circulation:read",
    "circulation:write",
    "debts:write",
    "messages:read",
    "notes:read",
    "catalogue:read",
)
SCOPES: dict[str, tuple[str, ...]] = {
    "patron": ("self",),
    "guardian": ("self",),
    "librarian": LIBRARIAN,
    "administrator": (*LIBRARIAN, "catalogue:write", "clients:write", "patrons:protected"),
    "automat": ("patrons:identify", "circulation:write"),
    "service": (
        "patrons:resolve",
        "patrons:close",
        "patrons:export",
        "titles:resolve",
        "retention:dispose",
        "retention:read",
        "receipts:issue",
    ),
    "dpo": ("retention:read", "retention:write", "patrons:read"),
    "dashboard": ("events:read", "retention:read"),
}
StaffRole = Literal["librarian", "administrator", "dpo"]
ClientRole = Literal["automat", "dashboard"]


@dataclass(frozen=True, slots=True)
class Attempts:
    """How far failed log-ins of one bearer have come."""

    failed: int
    locked_until: datetime | None

    def locked_at(self, now: datetime) -> bool:
        """Say whether log-in is locked at `now`."""
        return self.locked_until is not None and now < self.locked_until


def attempt(before: Attempts, now: datetime, rules: PatronRules, *, fits: bool) -> tuple[Attempts, Refusal | None]:
    """Return the attempts after one more, and why it is refused, if it is.

    While locked nothing counts, and a right code does not open (R69). After the lock-out counting begins anew.
    """
    if before.locked_at(now):
        return before, locked_out(before)
    if fits:
        return Attempts(0, None), None
    failed = 1 if before.locked_until is not None else before.failed + 1
    if failed < rules.lockout_failures:
        return Attempts(failed, None), login_refused()
    after = Attempts(failed, now + timedelta(minutes=rules.lockout_minutes))
    return after, locked_out(after)


def login_refused() -> Refusal:
    """Return the refusal of a wrong name or code: one for both, so that nobody learns who is registered."""
    return LOGIN_REFUSED(error="invalid_grant")


def locked_out(attempts: Attempts) -> Refusal:
    """Return the refusal of a lock-out, with its end."""
    return LOCKED_OUT(error="invalid_grant", locked_until=attempts.locked_until)
