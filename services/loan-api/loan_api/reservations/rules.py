"""The rules of reservations: values and a day in, a value out."""

from dataclasses import dataclass
from datetime import date, timedelta

from glem.problems import Refusal
from loan_api.agency import LendingRules
from loan_api.borrowers.rules import may_borrow
from loan_api.borrowers.tables import BorrowerRow
from loan_api.reservations.problems import (
    ALREADY_LOANED,
    ALREADY_RESERVED,
    BAD_INTEREST_PERIOD,
    NOT_RESERVABLE,
    TOO_MANY_RESERVATIONS,
)

LONGEST_INTEREST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a work that somebody wants to reserve."""

    work_type: str
    age_limit: int
    items: int
    reserved: bool
    loaned: bool
    reservations: int


def may_reserve(
    borrower: BorrowerRow, agency: str, rules: LendingRules, wanted: Wanted, *, age_limit: int
) -> Refusal | None:
    """Say why the patron may not reserve the work, or None; `age_limit` in years, 0 where the agency keeps none."""
    group = may_borrow(borrower, agency, rules, work_type=wanted.work_type, age_limit=age_limit)
    if isinstance(group, Refusal):
        return group
    if wanted.items == 0:
        return NOT_RESERVABLE()
    if wanted.reserved:
        return ALREADY_RESERVED()
    if wanted.loaned:
        return ALREADY_LOANED()
    if wanted.reservations >= rules.max_reservations:
        return TOO_MANY_RESERVATIONS(limit=rules.max_reservations)
    return None


def interest_end(chosen: date | None, rules: LendingRules, today: date) -> date | Refusal:
    """Return the last day on which the patron is interested: the chosen one, or the agency's usual."""
    end = chosen or today + timedelta(days=rules.interest_days)
    return end if today <= end <= today + LONGEST_INTEREST else BAD_INTEREST_PERIOD()
