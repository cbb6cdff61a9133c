"""Whether a patron may borrow at all, and this kind of work."""

from datetime import date

from glem.problems import WRONG_AGENCY, Refusal
from loan_api.agency import GroupRules, LendingRules
from loan_api.borrowers.problems import (
    AGE_LIMIT,
    DEBT_LIMIT,
    NOT_FOR_GROUP,
    PATRON_BLOCKED,
    UNKNOWN_GROUP,
    UNKNOWN_PATRON,
)
from loan_api.borrowers.tables import BorrowerRow

DEBT_BLOCK = "E"


def blocking(borrower: BorrowerRow, rules: LendingRules) -> Refusal | None:
    """Say why the patron is blocked, or None. Our own balance speaks for the debt block, whose event may be on its way (R57)."""
    for block in borrower.blocks:
        if block != DEBT_BLOCK:
            return PATRON_BLOCKED(block=block)
    if borrower.balance >= rules.debt_limit > 0:
        return DEBT_LIMIT(balance=borrower.balance, limit=rules.debt_limit)
    return None


def group_of(borrower: BorrowerRow, rules: LendingRules) -> GroupRules | Refusal:
    """Return the rules of the patron's group (R16)."""
    group = rules.groups.get(borrower.patron_group or "")
    return group or UNKNOWN_GROUP(group=borrower.patron_group or "-")


def may_borrow(
    borrower: BorrowerRow, agency: str, rules: LendingRules, *, work_type: str, age_limit: int
) -> GroupRules | Refusal:
    """Say whether the patron may borrow a work of this type; `age_limit` in years, 0 where the agency keeps none (R7)."""
    if borrower.agency != agency:
        return WRONG_AGENCY()
    if borrower.erased:
        return UNKNOWN_PATRON()
    blocked = blocking(borrower, rules)
    group = group_of(borrower, rules)
    if blocked is not None or isinstance(group, Refusal):
        return blocked or group
    if not group.lends(work_type):
        return NOT_FOR_GROUP(type=work_type)
    if (borrower.age_band or 0) < age_limit:
        return AGE_LIMIT(years=age_limit)
    return group


def is_absent(borrower: BorrowerRow, today: date) -> bool:
    """Say whether the patron is away on `today`; both ends count, and either may be open (R13)."""
    if borrower.absent_from is None and borrower.absent_until is None:
        return False
    return (borrower.absent_from or today) <= today <= (borrower.absent_until or today)
