"""Which legal holds may be placed, and until when."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from glem.problems import ProblemType, Refusal
from glem_contracts.record_classes import RECORD_CLASSES

Kind = Literal["police", "claim", "patron-request", "other"]
KINDS: tuple[Kind, ...] = ("police", "claim", "patron-request", "other")
LONGEST = timedelta(days=365)
WARNING = timedelta(days=7)
CPR_LIKE = re.compile(
    r"(?<!\d)(?:[0-3]\d|[6-9]\d)[\s./-]?(?:0[1-9]|1[0-2])[\s./-]?\d{2}[\s./\u2010-\u2015-]*\d{4}(?!\d)"
)

ENDS_BADLY = ProblemType(
    "hold-end",
    422,
    "Slutdatoen skal ligge efter nu og højst ét år frem ({latest}).",
    "The end must be after now and at most a year ahead ({latest}).",
)
HAS_CPR = ProblemType(
    "cpr-in-text",
    422,
    "Teksten ligner et CPR-nummer. Skriv et sagsnummer i stedet.",
    "The text looks like it holds a CPR number. Write a case number instead.",
)
NOT_HOLDABLE = ProblemType(
    "record-class-not-holdable",
    422,
    "Poster af typen {record_class} slettes straks og kan ikke fastholdes.",
    "Records of class {record_class} go at once and cannot be held.",
)
GONE = ProblemType(
    "record-gone",
    409,
    "En eller flere poster er allerede slettet. Intet er fastholdt.",
    "One or more records are gone already. Nothing is held.",
)
ELSEWHERE = ProblemType(
    "record-of-another-agency",
    409,
    "En eller flere poster hører til et andet bibliotek. Intet er fastholdt.",
    "One or more records belong to another library. Nothing is held.",
)
IN_HAND = ProblemType(
    "record-being-erased",
    409,
    "En eller flere poster er ved at blive slettet. Intet er fastholdt; prøv igen om et minut.",
    "One or more records are being erased now. Nothing is held; try again in a minute.",
)
NO_SUCH_HOLD = ProblemType("no-such-hold", 404, "Fastholdelsen findes ikke.", "There is no such hold.")
OVER = ProblemType("hold-over", 409, "Fastholdelsen er ophørt.", "The hold has ended.")
NO_AGENCY = ProblemType(
    "agency-missing", 422, "Angiv hvilket bibliotek det gælder.", "Say which library this is about."
)


def check(reason: str, ends_at: datetime, record_classes: Iterable[str], now: datetime) -> Refusal | None:
    """Refuse a hold on a class without a clock, with a wrong end, or with a CPR number in its reason."""
    for record_class in record_classes:
        known = RECORD_CLASSES.get(record_class)
        if known is None or not known.actions:
            return NOT_HOLDABLE(record_class=record_class)
    return HAS_CPR() if CPR_LIKE.search(reason) else check_end(ends_at, now)


def check_end(ends_at: datetime, now: datetime) -> Refusal | None:
    """Refuse an end that has passed, or is more than a year ahead (H48)."""
    return None if now < ends_at <= now + LONGEST else ENDS_BADLY(latest=(now + LONGEST).isoformat(timespec="seconds"))
