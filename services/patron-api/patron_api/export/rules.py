"""Who may take an export, how often, and what patron-api itself holds about a person."""

from datetime import timedelta

from glem.problems import ProblemType, Refusal
from glem_retention.holdings import Holding
from patron_api.base import metadata
from patron_api.erasure.tables import ERASURE_REQUESTS
from patron_api.guardians.tables import GUARDIANS
from patron_api.records import DECLARED

_TABLES = metadata.tables
MOST_REQUESTS, PER = 5, timedelta(days=1)
MOST_DOWNLOADS = 10

REASON_MISSING = ProblemType(
    "reason-missing",
    422,
    "Skriv, hvorfor lånerens data skal tages ud; det bliver gemt.",
    "Say why the patron's data are to be taken out; it is kept.",
)
PROTECTED = ProblemType(
    "protected-patron",
    403,
    "Låneren er beskyttet; kun særligt betroede må tage disse data ud.",
    "The patron is protected; only specially authorised staff may take these data out.",
)
TOO_MANY = ProblemType(
    "too-many-exports",
    429,
    "Der er taget mange udtræk for nylig. Prøv igen senere.",
    "Many exports were taken lately. Try again later.",
)
NO_EXPORT = ProblemType(
    "no-export",
    404,
    "Udtrækket findes ikke, eller dets tid er gået.",
    "There is no such export, or its time has passed.",
)

SECRET = "a secret by which one logs in; to give it away would let others in"  # noqa: S105  a reason, no secret
OTHERS = "data about another person, who has an access of their own"
CONSENTS = Holding("consent", _TABLES["consent"], "patron_id = $1", extra={"wording": "wording"})
AS_GUARDIAN = Holding(
    "guardian-of",
    _TABLES["guardian"],
    "(as_patron_id = $1 OR (agency, cpr) = (SELECT agency, cpr FROM patron WHERE patron_id = $1))"  # noqa: S608  a declaration
    f" AND {GUARDIANS.visible('$2')}",
    left_out=dict.fromkeys(("patron_id", "cleared_at"), OTHERS),
)
LOG_INS = Holding(
    "refresh_token",
    _TABLES["refresh_token"],
    "subject = $1 AND is_patron",
    left_out={"token_hash": SECRET},
    extra={"expires_at": "expires_at"},
)
ERASURE = Holding(
    "erasure_request",
    _TABLES["erasure_request"],
    f"patron_id = $1 AND {ERASURE_REQUESTS.visible('$2')}",
    extra={"asked_at": "asked_at", "state": "state"},
)
SPECIAL = (CONSENTS, AS_GUARDIAN, LOG_INS, ERASURE)
EVERYTHING = (*(item.holding() for item in DECLARED if item.is_exported), *SPECIAL)
NOT_OF_PATRONS = {"account": "members of staff, who are no patrons here"}


def may_ask(*, own: bool, reason: str | None, protected: bool, trusted: bool, recent: int) -> Refusal | None:
    """Refuse staff without a reason (R84), or before a protected patron (R25), and what is asked too often."""
    if not own and not reason:
        return REASON_MISSING()
    if not own and protected and not trusted:
        return PROTECTED()
    return TOO_MANY() if recent >= MOST_REQUESTS else None
